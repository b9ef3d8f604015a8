"""A training step by kernels of our own in C, for processors."""
