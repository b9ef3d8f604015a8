"""How a run will be computed: what flags wish, what it was begun with, what is fastest here."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from ..cores import counted
from . import note

if TYPE_CHECKING:
    from torch import nn

    from ..ranks import Ranks
    from ..runs.folder import Folder
    from ..runs.pictures import Pictures
    from ..runs.work import Work
    from ..spec import Plan, Run


@dataclass(frozen=True)
class Wishes:
    """The flags that say how, and how closely it is watched."""

    device: str | None
    engine: str
    threads: int | None
    workers: int | None
    watch: bool
    looks: int | None
    save_every: float


def work_of(
    run: "Run",
    pictures: "Pictures",
    network: "nn.Module",
    folder: "Folder",
    wishes: Wishes,
    ranks: "Ranks",
) -> "Work":
    """The run with the step and the stream that its plan describes."""
    from ..accel.prepared import prepared, stream
    from ..data.order import Part
    from ..runs.work import Work, curve_of

    plan = _agreed(run, pictures, network, folder, wishes, ranks)
    return Work(
        run,
        plan,
        pictures,
        curve_of(run, pictures, wishes.looks, test=wishes.watch),
        prepared(network, run.recipe, plan, ranks),
        stream(plan, Part(ranks.rank, ranks.count)),
        wishes.save_every,
        ranks,
    )


def _agreed(
    run: "Run",
    pictures: "Pictures",
    network: "nn.Module",
    folder: "Folder",
    wishes: Wishes,
    ranks: "Ranks",
) -> "Plan":
    """The first rank's plan, each rank on its own device."""
    import msgspec

    from ..spec import Plan

    known = ranks.told(msgspec.json.encode(folder.planned() if ranks.first else None))
    before = msgspec.json.decode(known, type=Plan | None)
    if ranks.count > 1 and wishes.device not in (None, "cpu") and wishes.engine == "auto":
        wishes = replace(wishes, engine="eager")  # a graph holds all replicas
    mine = _plan(run, pictures, network, before, wishes)
    plan = msgspec.json.decode(ranks.told(msgspec.json.encode(mine)), type=Plan)
    return structs.replace(plan, device=mine.device, ranks=ranks.count)


def _plan(
    run: "Run", pictures: "Pictures", network: "nn.Module", before: "Plan | None", wishes: Wishes
) -> "Plan":
    """The plan that the run began with, but for what flags say; a new run's is chosen."""
    place = place_of(wishes.device or (before.device if before else "cpu"))
    if before is None or before.device != place:
        plan = _new_plan(run, pictures, network, wishes, place)
    elif wishes.engine not in ("auto", before.engine):
        wishes = replace(wishes, threads=wishes.threads or before.threads)
        plan = _new_plan(run, pictures, network, wishes, place)
    else:
        told = {"threads": wishes.threads, "workers": wishes.workers}
        plan = structs.replace(before, **{name: v for name, v in told.items() if v is not None})
        note(f"step: {plan.engine}, {plan.layout}, {counted(plan.threads)}, as it was begun")
    if (
        before is not None
        and structs.replace(plan, workers=before.workers, ranks=before.ranks) != before
    ):
        note(
            f"The run was begun with {before.engine} on {before.device}, {counted(before.threads)}:"
            " its numbers may differ in their last digits from an unbroken run's."
        )
    return plan


def place_of(name: str | None) -> str:
    """A device that is there, by its whole name."""
    if name in (None, "cpu"):
        return "cpu"
    from ..accel.device.planned import found

    return str(found(name))


def _new_plan(
    run: "Run", pictures: "Pictures", network: "nn.Module", wishes: Wishes, place: str
) -> "Plan":
    """What is fastest there."""
    engine, threads, workers = wishes.engine, wishes.threads, wishes.workers or 0
    if place == "cpu":
        from ..accel.choose import choose
        from ..data.pictured import edge

        size = edge(pictures.train, run.recipe)
        choice = choose(network, run.recipe, size, engine=engine, threads=threads, workers=workers)
        note(str(choice))
        return choice.plan
    from ..accel.device.planned import found, planned

    plan, why = planned(
        network,
        run.recipe,
        pictures.train,
        found(place),
        engine=engine,
        threads=threads,
        workers=workers,
    )
    note(why)
    return plan
