"""What is asked of a model: text in, NumPy batch, NumPy outputs, answer."""
