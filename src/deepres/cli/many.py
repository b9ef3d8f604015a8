"""What is known of several networks that train at once, and how long they will take."""

import time
from collections.abc import Sequence

from ..runs.log import Evaluated, Report
from ..studies.runner import Done, Message, Step, Task
from .known import Known, duration


class Many:
    """All of them, and how much of the work is done."""

    def __init__(self, tasks: Sequence[Task], images: int) -> None:
        self.tasks = list(tasks)
        self.known = {task.folder: Known(task.run.recipe, images) for task in tasks}
        self.done: set[str] = set()
        self.began, self.before = time.monotonic(), 0.0

    def learn(self, task: Task, message: Message) -> None:
        """Takes in one thing that happened."""
        known = self.known[task.folder]
        if isinstance(message, Step):
            known.rate, known.pace = message.rate, message.seconds
            if not known.step and message.step > 1:  # it goes on from a state
                self.before += self.part(task, message.step)
            known.step = message.step
        elif isinstance(message, Report | Evaluated):
            known.learn(message)
            known.step = message.step
        elif isinstance(message, Done):
            self.done.add(task.folder)
            if not known.step:  # it was there
                self.before += self.part(task, known.recipe.steps)
            known.step = known.recipe.steps

    def part(self, task: Task, steps: int) -> float:
        """How much of all work so many steps are; a step of a deeper network is more."""
        return steps * task.layers / sum(t.run.recipe.steps * t.layers for t in self.tasks)

    @property
    def share(self) -> float:
        """How much of all work is done."""
        return sum(self.part(task, self.known[task.folder].step) for task in self.tasks)

    @property
    def left(self) -> str:
        """The time that is left, once it can be told."""
        spent, mine = time.monotonic() - self.began, self.share - self.before
        return f"{duration(spent * (1 - self.share) / mine)} left" if mine > 0.01 else ""


def name_of(task: Task) -> str:
    """What a study calls it, else a run's name without its data: plain56, plain56 seed 1."""
    if task.label:
        return task.label
    name = task.run.name.partition("-")[0]
    return f"{name} seed {task.run.seed}" if task.run.seed else name
