"""A run carried out, to its result, as a stream of what happens: to be shown, followed, stopped."""

import statistics
import time
from collections.abc import Callable, Iterator

import msgspec
from safetensors import SafetensorError
from torch import nn

from ..card import Card
from ..errors import Failed
from ..evaluate import scores, total
from ..models import weights
from ..models.zoo import name_of
from ..population import adopt
from ..spec import Run, recipe_named
from ..tally import Tally
from ..train import begun
from . import log, provenance
from .disk import sync, write_whole
from .folder import Folder, write
from .log import Evaluated, Item, Line, Report, Skipped
from .looks import Answers, counted, errors, evaluated, measured
from .result import Result
from .session import Session
from .usable import remember
from .work import Work


def carried_out(
    work: Work,
    network: nn.Module,
    folder: Folder,
    stop: Callable[[], bool] = lambda: False,
    source: str = "",
    began: float | None = None,
) -> Iterator[Item | Result]:
    """Goes on with the run that the folder holds, to its end or until `stop` says so.

    `network` is at its start. The folder is held by the caller. A finished run gives its result at
    once. Every rank comes along here, and the first alone reads and writes the folder and has the
    result.
    """
    first = work.ranks.first
    if first:
        folder.claim(work.run)
        remember(folder.path, work.pictures.known)
    result = folder.finished() if first else None
    if work.ranks.any(result is not None):
        yield from () if result is None else (result,)
        return
    state = begun(network, work.run.recipe)
    state.seed = work.run.seed if work.run.arch is None else None
    session = Session(work, folder, state, time.perf_counter() if began is None else began)
    with session.guarded():
        yield from session.resume()
        yield from left_out(session)
        if first:
            mine = provenance.session(state.step, source, work.plan)
            told = provenance.gathered(work.plan, [*folder.sessions(), mine])
            write(folder.provenance, told)
        yield from session.train(stop)
        if state.step == work.run.recipe.steps:
            yield from finished(session)


def left_out(session: Session) -> Iterator[str | Line]:
    """A line for each picture that was skipped, at the head of the log."""
    if session.logged.lines:
        return
    for picture, reason in session.work.pictures.skipped.items():
        line = Skipped(step=0, picture=picture, reason=reason)
        session.log(line)
        yield f"left out: {picture} {reason}"
        yield line


def finished(session: Session) -> Iterator[Line | Result]:
    """The final errors, the weights and the result. Only here is the test set read."""
    session.state.optimiser.take_average()
    network, how, pictures = session.state.network, session.how, session.work.pictures
    run, step = session.work.run, session.state.step
    answers, found, ranks = Answers(), {}, session.work.ranks

    def told(name: str, images: int, errors_: Tally) -> Evaluated:
        found[name] = errors_
        what = name.partition(",")[0]
        line = evaluated(step, what, errors_, images, session.seconds)  # type: ignore[arg-type]
        session.log(line)
        return line

    population = measured(network, run, pictures.train, how, ranks)
    images = counted(run, pictures.train) if population else 0
    yield told("test, running", 0, errors(network, how, pictures.test, ranks))
    if run.protocol.statistics == "population":
        adopt(network, population)
    yield told("trained on", images, errors(network, how, pictures.train, ranks))
    if pictures.held_out is not None:
        yield told("held out", images, errors(network, how, pictures.held_out, ranks))
    tested = scores(network, how.how, how.mean_image, pictures.test, ranks=ranks)
    yield told("test", images, total(answers.gather(tested), pictures.test))
    if ranks.first:
        yield kept(session, found, answers)


def kept(session: Session, found: dict[str, Tally], answers: Answers) -> Result:
    """The weights and the result, as the folder keeps them."""
    run, pictures = session.work.run, session.work.pictures
    keep_weights(session, found)
    reports = [line for line in log.read(session.logged.path) if isinstance(line, Report)]
    result = Result(
        key=run.key,
        steps=session.state.step,
        seconds=session.seconds,
        images_per_second=median_speed(reports),
        while_training=Tally(reports[-1].seen, reports[-1].wrong, 0),
        trained_on=found["trained on"],
        held_out=found.get("held out"),
        test=found["test"],
        test_running=found["test, running"],
        classes=pictures.test.classes,
        confusion=answers.confusion(pictures.test),
        mistakes=answers.mistakes(pictures.test),
    )
    write_whole(session.folder.result, msgspec.json.encode(result))
    return result


def median_speed(reports: list[Report]) -> float:
    """Images per second of the median stretch; the first ones compile and warm up."""
    return statistics.median(r.images_per_second for r in reports[len(reports) // 10 :])


def keep_weights(session: Session, found: dict[str, Tally]) -> None:
    """The network as it was tested, and a card that says all that is needed to use it."""
    run, how = session.work.run, session.how
    told = Card(
        network=name_of(run.arch) if run.arch else run.network,
        arch=run.arch,
        preprocessing=how.how,
        classes=session.work.pictures.test.classes,
        numbers=numbers(found),
        provenance=where_from(run),
    )
    path = session.folder.weights
    try:
        weights.save(path, session.state.network, told, how.mean_image)
    except SafetensorError as error:
        raise Failed(f"{path} cannot be written: {error}.") from error
    sync(path)
    sync(weights.card_path(path))


def numbers(found: dict[str, Tally]) -> dict[str, float]:
    """The final errors, in percent and counts."""
    names = {"test": "", "test, running": "running_", "trained on": "train_", "held out": "held_"}
    told: dict[str, float] = {}
    for name, errors_ in found.items():
        told[f"{names[name]}seen"] = errors_.seen
        told[f"{names[name]}top1_errors"] = errors_.top1
        told[f"{names[name]}top1_error"] = errors_.top1_error
    return told


def where_from(run: Run) -> dict[str, str | int | float]:
    """What a card says of its run: neither time nor place."""
    return {
        "run": run.key,
        "data": run.data.name,
        "images_digest": run.data.train,
        "steps": run.recipe.steps,
        **({"scaled_from_steps": full.steps} if (full := run.recipe.scaled_from) else {}),
        "seed": run.seed,
        **({"recipe": name} if (name := recipe_named(run.recipe)) not in ("", "cifar") else {}),
        **({"started_from": run.start} if run.start else {}),
    }
