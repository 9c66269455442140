"""One file per format: each opens to {name: lazy NumPy array} and writes atomically."""
