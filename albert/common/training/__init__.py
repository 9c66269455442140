"""What training has that holds no tensor of a framework."""
