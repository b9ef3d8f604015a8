"""Everything that only makes it faster; the core runs without it."""
