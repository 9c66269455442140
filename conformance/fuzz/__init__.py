"""Damaged and hostile checkpoints for every reader: only clear errors may come."""
