"""Everything that holds no tensor of a framework: it stands here once."""
