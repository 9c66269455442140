"""Fine-tuning: examples in, batches and figures out; holds no tensor of a framework."""
