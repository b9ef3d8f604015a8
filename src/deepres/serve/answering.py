"""One request from its bytes to its answer, with what all requests share."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from starlette.requests import Request

from ..models.ranked import Guess
from .body import pictures
from .fault import Fault, busy
from .gather import Gathering
from .limits import Limits
from .look import looked
from .room import Room
from .served import Served
from .views import called, view

DECODERS = 2  # threads; each holds one decoded picture


@dataclass
class Answering:
    """The networks at work: their queues, the threads that decode, the one that computes."""

    networks: dict[str, Served]
    limits: Limits
    room: Room = field(init=False)
    gatherings: dict[str, Gathering] = field(init=False)

    def __post_init__(self) -> None:
        self.room = Room(self.limits)
        self.decoding = ThreadPoolExecutor(DECODERS, "decode")
        self.computing = ThreadPoolExecutor(1, "compute")

    @asynccontextmanager
    async def working(self, app: Any) -> AsyncIterator[None]:
        """From the first request to the last answer."""
        self.gatherings = {
            name: Gathering(network.logits, self.limits.batch, self.computing)
            for name, network in self.networks.items()
        }
        tasks = [asyncio.create_task(queue.run()) for queue in self.gatherings.values()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.decoding.shutdown(cancel_futures=True)
            self.computing.shutdown(cancel_futures=True)

    def chosen(self, name: str | None) -> Served:
        """The network of that name; the first where none is named."""
        if name is None:
            return next(iter(self.networks.values()))
        if name not in self.networks:
            there = ", ".join(self.networks)
            raise Fault(404, f"There is no network of that name here: choose {there}.")
        return self.networks[name]

    async def predicted(self, request: Request, name: str | None, top: int) -> dict[str, Any]:
        """What POST /predict answers."""
        with self.room.place() as place:
            network = self.chosen(name)
            sent = await pictures(request, self.limits, place)
            async with self._in_time():
                views = await self.views(sent, network)
                rankings = await self.gatherings[network.name].answered(views)
        names = network.card.classes
        return {"predictions": [{"classes": _entries(seen.named(names, top))} for seen in rankings]}

    async def looked(self, request: Request, name: str | None, top: int) -> dict[str, Any]:
        """What POST /look answers: one picture, seen from within."""
        with self.room.place() as place:
            network = self.chosen(name)
            if network.inside is None:
                raise Fault(404, f"{network.name} is an exported file: it cannot be looked into.")
            sent = await pictures(request, self.limits, place)
            if len(sent) > 1:
                raise Fault(422, "One picture at a time is looked at.")
            async with self._in_time():
                (seen,) = await self.views(sent, network)
                work = partial(looked, network.inside, network.card, seen, top)
                return await asyncio.get_running_loop().run_in_executor(self.computing, work)

    async def views(self, sent: list[bytes], network: Served) -> np.ndarray:
        """The pictures as the network takes them; the first that is at fault is told."""
        loop, how = asyncio.get_running_loop(), network.card.preprocessing
        tasks = [
            loop.run_in_executor(
                self.decoding, view, content, called(n, len(sent)), how, self.limits.pixels
            )
            for n, content in enumerate(sent)
        ]
        try:
            return np.stack([await task for task in tasks])
        finally:
            for task in tasks:
                task.cancel()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.limits.seconds):
                yield
        except TimeoutError:
            seconds = f"{self.limits.seconds:g} seconds"
            raise busy(f"No answer was ready within {seconds}: try again later.") from None


def _entries(guesses: list[Guess]) -> list[dict[str, Any]]:
    return [{"name": name, "probability": chance} for name, chance in guesses]
