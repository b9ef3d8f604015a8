"""Pictures of many requests, computed together: those that came while others were computed."""

import asyncio
from collections import deque
from concurrent.futures import Executor
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from ..models.predict import Logits
from ..models.ranked import Ranking, ranked


class Waiting(NamedTuple):
    """One request's pictures, and where their answer goes."""

    views: np.ndarray  # N x size x size x 3 uint8
    answer: "asyncio.Future[list[Ranking]]"


class Gathering:
    """A network's queue. Nobody waits for company: whoever is alone is computed at once.

    How much may wait is bounded where requests are let in.
    """

    def __init__(self, logits: Logits, batch: int, computing: Executor) -> None:
        self.logits, self.batch, self.computing = logits, batch, computing
        self.queue, self.come = deque[Waiting](), asyncio.Event()

    async def answered(self, views: np.ndarray) -> list[Ranking]:
        """One for each picture; whoever stops waiting leaves the queue."""
        answer = asyncio.get_running_loop().create_future()
        self.queue.append(Waiting(views, answer))
        self.come.set()
        return await answer

    async def run(self) -> None:
        """Computes what waits, for as long as the server lives."""
        while True:
            await self.come.wait()
            self.come.clear()
            while together := self._taken():
                await self._computed(together)

    def _taken(self) -> list[Waiting]:
        """From the front, as many requests as a batch holds; one in any case."""
        taken: list[Waiting] = []
        room = self.batch
        while self.queue and (not taken or len(self.queue[0].views) <= room):
            waiting = self.queue.popleft()
            if not waiting.answer.done():
                taken.append(waiting)
                room -= len(waiting.views)
        return taken

    async def _computed(self, together: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        result = loop.run_in_executor(self.computing, self._answers, together)
        await asyncio.wait([result])
        problem = result.exception()
        answers = iter(() if problem else result.result())
        for waiting in together:
            answer = list(islice(answers, len(waiting.views)))
            if waiting.answer.done():
                continue
            if problem:
                waiting.answer.set_exception(problem)
            else:
                waiting.answer.set_result(answer)

    def _answers(self, together: list[Waiting]) -> list[Ranking]:
        """What takes time for each batch rather than each request, off the loop."""
        views = np.concatenate([waiting.views for waiting in together])
        return ranked(self.logits(torch.from_numpy(views)))
