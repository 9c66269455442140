"""The suite that holds every backend to one float64 oracle."""
