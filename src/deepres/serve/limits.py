"""What one request may ask for, and what all of them together may hold."""

from dataclasses import dataclass

MEBI = 1 << 20
HEAD_AT_MOST = 32_768  # bytes of a request's address and headers


@dataclass(frozen=True)
class Limits:
    """Each is checked before a picture is decoded."""

    bytes: int = 16 * MEBI  # of one request
    pixels: int = 25_000_000  # of one picture
    images: int = 32  # of one request
    requests: int = 256  # accepted and not yet answered, of all clients
    held: int = 256 * MEBI  # bytes of these
    seconds: float = 30  # to send a request; to wait for its answer
    batch: int = 64  # pictures that are computed at a time; 1 gathers nothing
