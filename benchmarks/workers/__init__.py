"""Scripts that the Python of each environment runs; see `protocol`."""
