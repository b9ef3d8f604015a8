"""What `bench/gpu.py` does: checks, times, the paper's runs."""
