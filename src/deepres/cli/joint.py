"""A command that several processes carry out: one of them speaks, and all end with one word.

torchrun ends all processes once one of them has ended: whoever has nothing to say waits for the
one who speaks.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import Failed, UserError
from ..ranks import FAULT, SPEAKER, SPOKEN, Lost, Ranks, left
from . import Terminated

if TYPE_CHECKING:
    from ..runs.log import Item
    from ..spec import Recipe

WAITING = timedelta(seconds=5)  # for the first rank's last word


@contextmanager
def joint(ranks: Ranks) -> Iterator[None]:
    """What goes wrong inside on any rank is said once; the others end silently."""
    try:
        yield
    except Lost:
        if not (ranks.first or _nobody_spoke(ranks)):
            raise SystemExit(1) from None
        raise
    except (UserError, Failed, OSError) as error:
        if not ranks.first:
            status = 2 if isinstance(error, UserError) else 1
            _handed_over(ranks, f"{status} Rank {ranks.rank}: {error}")
            raise SystemExit(status) from None
        raise
    except (KeyboardInterrupt, Terminated) as told:
        if not ranks.first:
            raise SystemExit(143 if isinstance(told, Terminated) else 130) from None
        raise
    finally:
        if ranks.first and ranks.store is not None:
            with suppress(RuntimeError):  # the store may be gone
                ranks.store.set(SPOKEN, "")


def _handed_over(ranks: Ranks, fault: str) -> None:
    """Gives the first rank the word, and time to say it."""
    assert ranks.store is not None
    with suppress(RuntimeError):
        ranks.store.set(FAULT, fault)
        left()
        ranks.store.wait([SPOKEN], WAITING)


def _nobody_spoke(ranks: Ranks) -> bool:
    """Whether the first rank is gone as well, and this one is the one to say so."""
    assert ranks.store is not None
    try:
        ranks.store.wait([SPOKEN], WAITING)
    except RuntimeError:
        with suppress(RuntimeError):
            return ranks.store.add(SPEAKER, 1) == 1
        return True
    return False


@contextmanager
def unseen(recipe: "Recipe", images: int) -> Iterator["Unseen"]:
    """The display of a rank that does not speak."""
    yield Unseen()


class Unseen:
    """Shows nothing."""

    def show(self, item: "Item") -> None:
        """Nothing."""


def own(device: str | None) -> str | None:
    """A rank's GPU, where `cuda` alone is asked for: each has its own, if there are as many."""
    if device != "cuda" or "LOCAL_RANK" not in os.environ:
        return device
    import torch

    return f"cuda:{int(os.environ['LOCAL_RANK']) % max(1, torch.cuda.device_count())}"


def also(ranks: Ranks, stop: Callable[[], bool]) -> None:
    """Ends this rank where another was told to stop, once all of them have come here."""
    if ranks.any(stop()) and not stop():
        raise Terminated
