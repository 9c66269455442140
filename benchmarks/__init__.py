"""Measurements; each file says what it measures and prints ratios, not absolutes."""
