"""Batches prepared on a thread of their own while the step before is computed."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from ..data.batches import Batch
from ..data.pictured import Pictured
from ..spec import Recipe

Stream = Callable[[Pictured, Recipe, int, int], Iterable[Batch]]


def ahead(stream: Stream, depth: int = 3) -> Stream:
    """The same stream, at most `depth` batches ahead of its reader."""

    def prepared(images: Pictured, recipe: Recipe, seed: int, start: int = 0) -> Iterator[Batch]:
        return _read(stream(images, recipe, seed, start), depth)

    return prepared


def _read(batches: Iterable[Batch], depth: int) -> Iterator[Batch]:
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def offered(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def prepare() -> None:
        try:
            for batch in batches:
                offered(batch)
                if stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the reader is
            offered(error)
        else:
            offered(None)

    thread = threading.Thread(target=prepare, name="batches", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
