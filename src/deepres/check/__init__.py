"""Anybody's network held against the paper's: traced, measured, and run on the same weights."""
