"""Implementations to learn from: how another one than this package's is certified."""
