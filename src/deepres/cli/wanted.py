"""Which run is meant: by flags, by a run.json, or by the folder that holds it."""

from dataclasses import replace
from pathlib import Path

from ..data.gallery.hub import Download
from ..data.source import images
from ..errors import UserError
from ..ranks import Ranks
from ..runs.declare import Asked, run_of
from ..runs.folder import Folder, read
from ..runs.pictures import Pictures, as_declared, gathered
from ..runs.usable import Search, remembered
from ..spec import Run
from . import note

RUNS = Path("runs")


def done(
    network: str | None,
    data: str | None,
    out: Path | None,
    spec: Path | None,
    asked: Asked,
) -> tuple[Run, Folder] | None:
    """The run that is meant, where it is finished: nobody looks for its pictures any more.

    Flags that name a network are compared with it once their pictures cannot be found; where they
    are found, their digest tells.
    """
    folder = Folder(out) if out else None
    if network is not None and spec is None:
        if not (data and folder and folder.finished()) or _found(data):
            return None
        run = read(folder.run, Run)
        if not _says(network, asked, run):
            return None
        note(f"{data} is not there to be compared; {out} holds the finished run that flags say.")
        return run, folder
    path = _spec(network, out, spec, asked)
    run = read(path, Run)
    folder = folder or Folder(RUNS / f"{run.name}-{run.key}")
    if not folder.finished():
        return None
    folder.claim(run)  # a run.json of another run than the folder's is refused
    return run, folder


def _found(data: str) -> bool:
    try:
        images(data, "train")
    except UserError:
        return False
    return True


def _says(network: str, asked: Asked, run: Run) -> bool:
    """Whether flags declare this run, its pictures taken on trust."""
    classes = run.arch.classes if run.arch else 2
    if asked.epochs is not None:  # of so many pictures as cannot be counted
        asked = replace(asked, epochs=None, steps=run.recipe.steps)
    return run_of(network, run.data, 1, classes, asked).key == run.key


def declared(
    network: str | None,
    data: str | None,
    out: Path | None,
    spec: Path | None,
    asked: Asked,
    download: Download,
    ranks: Ranks,
) -> tuple[Run, Pictures, str]:
    """The run, its pictures, and what its data are called here."""
    search = Search(note, ranks, remembered(out) if out else {})
    if spec is None and network is not None:
        return _by_flags(network, data, asked, download, search)
    run = read(_spec(network, out, spec, asked), Run)
    source = data or (_last_source(out) if out else None) or run.data.name
    return run, as_declared(source, run.data, download, search), source


def _spec(network: str | None, out: Path | None, spec: Path | None, asked: Asked) -> Path:
    """The file that says what is run; flags that would say it too are refused."""
    given = [name for name in ("NETWORK",) if network] + asked.given()
    if given:
        where = spec or "the folder's run.json"
        raise UserError(f"{where} says what is run: leave {', '.join(given)} out.")
    path = spec or (Folder(out).run if out else None)
    if path is None or not path.exists():
        raise UserError(
            f"There is no {path}." if path else "Name a network, as in `deepres train resnet20`."
        )
    return path


def _by_flags(
    network: str, data: str | None, asked: Asked, download: Download, search: Search
) -> tuple[Run, Pictures, str]:
    if data is None:
        raise UserError(
            "--data says which pictures: digits and synthetic come with the package, cifar10 or"
            " cifar10:PATH is CIFAR-10."
        )
    kept, bad = _kept(asked.split), asked.bad or "stop"
    pictures, told = gathered(data, kept, bad, download, search)
    classes = len(pictures.train.classes)
    return run_of(network, told, len(pictures.train), classes, asked), pictures, data


def _kept(split: str | None) -> int | None:
    """45k or 45000: the number of images to train on."""
    if split is None:
        return None
    text = split.lower().removesuffix("k")
    if not text.isdigit():
        raise UserError(f"--split {split}: write how many to train on, as in 45k or 45000.")
    return int(text) * (1000 if split.lower().endswith("k") else 1)


def _last_source(out: Path) -> str | None:
    sessions = Folder(out).sessions()
    return sessions[-1].source or None if sessions else None


def folder_of(run: Run, out: Path | None, resume: bool) -> Folder:
    """Where the run is or will be; says so where there is nothing to go on from."""
    folder = Folder(out or RUNS / f"{run.name}-{run.key}")
    if resume and not folder.finished() and not any(folder.state.glob("*.json")):
        note(f"{folder.path} holds no state: starting at step 0.")
    return folder
