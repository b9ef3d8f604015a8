"""Processes that carry out one run together, and what they tell each other.

One process alone is the case of one rank: it talks to nobody. Whatever is put together from
several ranks is put together in the order of the ranks, so that their number changes no digit.
"""

import os
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from .errors import Failed, UserError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

PATIENCE = timedelta(minutes=10)  # with a rank that lives and does not answer
SETTLING = 1.0  # seconds in which those that are left say that they are there
SPOKEN, SPEAKER, FAULT = "spoken", "speaker", "fault"  # words in the store


class Lost(Failed):
    """A rank is gone, or silent for too long."""


@dataclass(frozen=True)
class Ranks:
    """This process's place among those of its run."""

    rank: int = 0
    count: int = 1
    wire: str = "cpu"  # where a GPU's tensors lie when they travel: cuda where NCCL carries them
    store: "Store | None" = None  # what outlives a rank that is gone

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def gathered(self, mine: Tensor) -> Tensor:
        """What each rank holds, all of one shape: ranks x ..., the same everywhere."""
        if self.count == 1:
            return mine[None]
        sent = self._wired(mine).contiguous()
        whole = sent.new_empty(self.count, *sent.shape)
        with answering(self):
            dist.all_gather(list(whole.unbind(0)), sent)
        return whole.to(mine.device)

    def summed(self, mine: Tensor) -> Tensor:
        """The sum of all rows of all ranks, one after the other from the first rank's first.

        A rank adds up a piece of every row and hands the piece round. Rings and trees add up in
        an order of their own, which changes with the number of ranks.
        """
        rows, length = mine.shape
        piece = -(-length // self.count)
        if self.count == 1:
            return in_order(mine)
        sent = mine.new_zeros(rows, self.count * piece)
        sent[:, :length] = mine
        sent = self._wired(sent.view(rows, self.count, piece).transpose(0, 1).contiguous())
        rows_of_all = torch.empty_like(sent)  # ranks x rows x piece
        with answering(self):
            dist.all_to_all_single(rows_of_all, sent)
        total = in_order(rows_of_all.view(-1, piece))
        return self.gathered(total).view(-1)[:length].to(mine.device)

    def given(self, tensor: Tensor) -> Tensor:
        """The first rank's, of the same shape, everywhere."""
        if self.count == 1:
            return tensor
        sent = self._wired(tensor.detach().clone(memory_format=torch.contiguous_format))
        with answering(self):
            dist.broadcast(sent, 0)
        return sent.to(tensor.device)

    def told(self, mine: bytes) -> bytes:
        """What the first rank says, whatever the others would have said."""
        length = int(self.given(torch.tensor([len(mine)])))
        whole = torch.zeros(length, dtype=torch.uint8)
        if self.first:
            whole[:] = torch.frombuffer(bytearray(mine), dtype=torch.uint8) if mine else whole
        return self.given(whole).numpy().tobytes() if length else b""

    def any(self, mine: bool) -> bool:
        """Whether it is so on any rank: asked by all of them at one place, or they part."""
        if self.count == 1:
            return mine
        asked = torch.tensor([float(mine)])
        with answering(self):
            dist.all_reduce(asked)
        return bool(asked > 0)

    def dealt(self, mine: Iterable[Tensor]) -> Iterator[Tensor]:
        """What all ranks make, in the order of what was dealt: to each every count-th piece.

        A piece has rows and columns; over several ranks it travels, exactly, as float64.
        """
        if self.count == 1:
            yield from mine
            return
        stream = iter(mine)
        while True:
            made = next(stream, torch.empty(0, 0))
            shapes = self.gathered(torch.tensor(made.shape))
            rows, columns = shapes.amax(0).tolist()
            if not rows:
                return
            room = torch.zeros(rows, columns, dtype=torch.float64)
            room[: made.shape[0], : made.shape[1]] = made
            for whole, count in zip(self.gathered(room), shapes[:, 0].tolist(), strict=True):
                if count:
                    yield whole[:count]

    def _wired(self, tensor: Tensor) -> Tensor:
        """Where it can travel from: what lies on the processor always can."""
        return tensor if tensor.device.type == "cpu" else tensor.to(self.wire)


ALONE = Ranks()


def in_order(rows: Tensor) -> Tensor:
    """The sum of the rows, each added to those before it, as gradients are accumulated."""
    total = rows[0].clone()
    for row in rows[1:]:
        total += row
    return total


@contextmanager
def answering(ranks: Ranks) -> Iterator[None]:
    """A rank that does not answer becomes one sentence that names it."""
    try:
        yield
    except RuntimeError as error:
        traceback.clear_frames(error.__traceback__)  # they hold the group, and its connections open
        raise _gone(ranks) from error


def left() -> None:
    """Closes the connections: who waits for this rank hears of the end too."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _gone(ranks: Ranks) -> UserError | Failed:
    """What is known of the end: a rank's own word, or which ranks are silent."""
    store = ranks.store
    left()
    if store is None:
        return Lost(f"One of {ranks.count} ranks ended or does not answer.")
    try:
        store.set(f"here/{ranks.rank}", "")
        time.sleep(SETTLING)
        if store.check([FAULT]):
            status, _, said = store.get(FAULT).decode().partition(" ")
            return UserError(said) if status == "2" else Lost(said)
        silent = [str(r) for r in range(ranks.count) if not store.check([f"here/{r}"])]
    except RuntimeError:
        silent = ["0"]  # whose store it was
    which = f"Rank {' and '.join(silent)}" if silent else "A rank"
    return Lost(f"{which} of {ranks.count} ended or does not answer.")


def place() -> tuple[int, int]:
    """This process's rank and how many there are, as torchrun tells it."""
    try:
        rank, count = (int(os.environ.get(n, d)) for n, d in (("RANK", "0"), ("WORLD_SIZE", "1")))
    except ValueError:
        rank, count = 0, 0
    if not 0 <= rank < count:
        raise UserError(
            f"RANK {os.environ.get('RANK')} of WORLD_SIZE {os.environ.get('WORLD_SIZE')} is no"
            " place among processes: start them by torchrun, which sets both."
        )
    if count > 1 and not os.environ.get("MASTER_ADDR"):
        raise UserError(
            f"WORLD_SIZE is {count} and there is no MASTER_ADDR to meet at: start the processes by"
            " torchrun, which sets both."
        )
    return rank, count


@contextmanager
def joined(device: str = "cpu", patience: timedelta = PATIENCE) -> Iterator[Ranks]:
    """The ranks that torchrun started, met and connected; one process where there is no other."""
    rank, count = place()
    if count == 1:
        yield ALONE
        return
    nccl = device != "cpu" and _has_own_gpu()
    try:
        store, _, _ = next(rendezvous("env://", timeout=patience))
        store.set_timeout(patience)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if nccl else "gloo",
            store=dist.PrefixStore("ranks", store),  # type: ignore[attr-defined]
            rank=rank,
            world_size=count,
            timeout=patience,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise Failed(
            f"Rank {rank} of {count} did not meet the others at"
            f" {os.environ['MASTER_ADDR']}:{os.environ.get('MASTER_PORT')}: {error}"
        ) from error
    try:
        yield Ranks(rank, count, "cuda" if nccl else "cpu", store)
    finally:
        left()


def _has_own_gpu() -> bool:
    """Whether each rank of this machine has a GPU of its own; NCCL takes no two on one."""
    local, here = (int(os.environ.get(n, "0")) for n in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    if not (torch.cuda.is_available() and dist.is_nccl_available()):
        return False
    torch.cuda.set_device(local % torch.cuda.device_count())
    return here <= torch.cuda.device_count()
