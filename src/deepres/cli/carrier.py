"""Who carries a study's runs out: processes of this machine, threads beside a device, a cluster."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UserError
from . import note

if TYPE_CHECKING:
    from ..runs.pictures import Pictures
    from ..studies.carrying import Carry
    from ..studies.runner import Task
    from ..studies.study import Study


@dataclass(frozen=True)
class How:
    """Who carries runs out, and how many at a time."""

    jobs: int
    on: str | None
    device: str | None


def possible(study: "Study", how: How) -> None:
    """Refuses what cannot be, before anything is read."""
    if how.on not in (None, "ray"):
        raise UserError(
            f"--on {how.on}: ray is the only other place; without it runs are carried here."
        )
    if how.device is None:
        return
    if how.on is not None:
        raise UserError(
            f"--on ray trains on processors, and --device {how.device} is this machine's: leave"
            " one of them out."
        )
    if study.kind == "counted":
        raise UserError(f"--device {how.device} is for trainings: {study.name} trains nothing.")
    from ..studies.on_device import place

    place(how.device)


def carrier(tasks: "list[Task]", pictures: "Pictures", how: How) -> "tuple[list[Task], Carry]":
    """Who carries the tasks out, and the tasks as they are handed over."""
    from ..studies.runner import attempted

    jobs = how.jobs
    if how.device is not None:
        return _on_device(tasks, pictures, how.device, jobs)
    if how.on == "ray":
        from ..studies.over_ray import over_ray

        return tasks, lambda some: over_ray(some, jobs if jobs > 1 else None)
    return tasks, lambda some: attempted(some, jobs)


def _on_device(
    tasks: "list[Task]", pictures: "Pictures", name: str, jobs: int
) -> "tuple[list[Task], Carry]":
    """Side by side in this process, each with the plan that suits it there."""
    from ..studies.on_device import at_once, on_device, place, planned_for

    device = place(name)
    planned, why = planned_for(tasks, pictures.train, device)
    for sentence in why:
        note(sentence)
    if at_once(jobs, device) < jobs:
        note(f"--jobs {jobs}: {name} takes one run at a time, so they follow each other.")
    return planned, lambda some: on_device(some, jobs, device)
