"""Which run is meant: by flags, by a run.json, or by the folder that holds it."""

from pathlib import Path

from ..data.gallery.hub import Download
from ..errors import UserError
from ..runs.declare import Asked, run_of
from ..runs.folder import Folder, read
from ..runs.pictures import Pictures, as_declared, gathered
from ..spec import Run
from . import note

RUNS = Path("runs")


def declared(
    network: str | None,
    data: str | None,
    out: Path | None,
    spec: Path | None,
    asked: Asked,
    download: Download,
) -> tuple[Run, Pictures, str]:
    """The run, its pictures, and what its data are called here."""
    if spec is None and network is not None:
        return _by_flags(network, data, asked, download)
    given = [name for name in ("NETWORK",) if network] + asked.given()
    if given:
        where = spec or "the folder's run.json"
        raise UserError(f"{where} says what is run: leave {', '.join(given)} out.")
    path = spec or (Folder(out).run if out else None)
    if path is None or not path.exists():
        raise UserError(
            f"There is no {path}." if path else "Name a network, as in `deepres train resnet20`."
        )
    run = read(path, Run)
    source = data or (_last_source(out) if out else None) or run.data.name
    return run, as_declared(source, run.data, download, note), source


def _by_flags(
    network: str, data: str | None, asked: Asked, download: Download
) -> tuple[Run, Pictures, str]:
    if data is None:
        raise UserError(
            "--data says which pictures: digits and synthetic come with the package, cifar10 or"
            " cifar10:PATH is CIFAR-10."
        )
    pictures, told = gathered(data, _kept(asked.split), asked.bad or "stop", download, note)
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
    folder = Folder((out or RUNS / f"{run.name}-{run.key}").expanduser())
    if resume and not folder.finished() and not any(folder.state.glob("*.json")):
        note(f"{folder.path} holds no state: starting at step 0.")
    return folder
