"""Small checkpoints for every task, and what transformers answers with them."""
