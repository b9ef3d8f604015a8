"""One run carried out in its folder by this process alone."""

from collections.abc import Callable, Iterator

from torch import nn

from ..runs.folder import Folder
from ..runs.log import Item
from ..runs.pictures import Pictures
from ..runs.result import Result
from ..runs.running import carried_out
from ..runs.work import Work, curve_of
from ..spec import Plan, Run
from .prepared import prepared, stream

MOVED = "its numbers may differ in their last digits from an unbroken run's"


def work_in(
    folder: Folder,
    run: Run,
    pictures: Pictures,
    network: nn.Module,
    plan: Callable[[], Plan],
    looks: int | None,
    stop: Callable[[], bool],
    source: str,
    *,
    device: str = "cpu",
    test: bool = True,
) -> Iterator[Item | Result]:
    """Goes on where the run was, with the plan that it was begun with, if that is for this device.

    A new run is planned, and so is one that comes from another device. So many looks on the way,
    at test pictures too unless `test` is False: they choose nothing.
    """
    folder.take()
    try:
        before = folder.planned()
        chosen = before if before is not None and before.device == device else plan()
        if before is not None and before.device != device:
            yield f"begun with {before.engine} on {before.device}: {MOVED}"
        step = prepared(network, run.recipe, chosen)
        curve = curve_of(run, pictures, looks, test=test)
        work = Work(run, chosen, pictures, curve, step, stream(chosen))
        yield from carried_out(work, network, folder, stop, source)
    finally:
        folder.leave()
