"""How much the server holds at a time: requests and their bytes, never more than it said."""

from collections.abc import Iterator
from contextlib import contextmanager

from .fault import busy
from .limits import Limits


class Room:
    """What is held now."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.requests, self.bytes = limits, 0, 0

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A request's place, from its first byte to its answer; 429 where there is none."""
        if self.requests >= self.limits.requests:
            raise busy(f"{self.requests} requests are waiting already: try again in a second.")
        self.requests += 1
        place = Place(self)
        try:
            yield place
        finally:
            self.requests -= 1
            self.bytes -= place.bytes


class Place:
    """One request's part of it."""

    def __init__(self, room: Room) -> None:
        self.room, self.bytes = room, 0

    def grow(self, bytes: int) -> None:
        """Takes room for so many more bytes."""
        if self.room.bytes + bytes > self.room.limits.held:
            raise busy("The server holds as many bytes as it may: try again in a second.")
        self.room.bytes += bytes
        self.bytes += bytes
