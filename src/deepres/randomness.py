"""Counted randomness: what is drawn depends on the seed, the purpose and the step alone."""

import hashlib

import numpy as np


def stream_seed(seed: int, purpose: str, step: int = 0) -> int:
    """A 64-bit seed mixed by a digest, so that neighbouring seeds and steps share nothing."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """The random numbers of one purpose at one step: `stream(seed, "crop", step)`."""
    return np.random.Generator(np.random.Philox(stream_seed(seed, purpose, step)))
