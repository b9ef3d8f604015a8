"""Does fine-tuning pay? Three classes of Imagenette are learned from 24 pictures each.

By a ResNet-20 at 32 pixels, from weights that know other pictures and from nothing, three seeds
each, which also draw the pictures. `seven`: it has learned the other seven classes from all of
their training pictures, here. `cifar10`: the bundled weights. `--choose` tries three rates for each
way, tested on the 196 training pictures a class that are left over; the best of each by its mean is
what START says, and without `--choose` they are told on the validation pictures.
`python bench/finetune.py FOLDER seven|cifar10 [--choose]`: FOLDER keeps the runs, and one that is
finished there is not trained again. One thread; Imagenette below DEEPRES_DATA.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from timing import line

IMAGENETTE = Path(os.environ["DEEPRES_DATA"], "imagenette")
OLD, FEW, SEEDS = 7, 24, range(3)
PAPER_S = ("--recipe", "imagenet", "--batch", "32", "--replicas", "1")
FIRST = (*PAPER_S, "--steps", "9600", "--drops", "5000,8000", "--lr", "0.05")
SHORT = ("--steps", "160", "--drops", "80,120")
RATES = ("0.01", "0.03", "0.1"), ("0.02", "0.05", "0.1")  # tried for the one way and the other
PLAIN = ("--threads", "1", "--looks", "0", "--json")
NETWORK, SIZE = "resnet20", ("--size", "32")
START = {"seven": ("0.03", "0.02"), "cifar10": ("0.03", "0.02")}  # from its weights, from nothing


def main() -> None:
    folder, start, choosing = Path(sys.argv[1]).resolve(), sys.argv[2], "--choose" in sys.argv
    names = sorted(place.name for place in (IMAGENETTE / "train").iterdir())
    weights, first = "resnet20-cifar10", {}
    if start == "seven":
        data = laid_out(folder / "first", names[:OLD], None, "val")
        found = trained(folder / "start", data, *FIRST, *SIZE, "--engine", "native")
        weights = found["weights"]
        first = {"first_classes": {name: found[name] for name in ("seen", "top1_errors")}}
    ways = {
        "tuned": ("--from", weights, *SHORT),
        "from nothing": (*PAPER_S, *SHORT, *SIZE),
    }
    about = {"tuned": start, "from nothing": "nothing"}  # that one is the same for both starts
    tested = "left over" if choosing else "val"
    errors: dict[str, dict[str, list[int]]] = {name: {} for name in ways}
    for seed in SEEDS:
        data = laid_out(folder / f"{tested} {seed}", names[OLD:], seed, tested)
        for (name, way), tried, best in zip(ways.items(), RATES, START[start], strict=True):
            for rate in tried if choosing else (best,):
                place = folder / f"{about[name]}, {rate}, {tested} {seed}"
                words = (*way, "--lr", rate, "--seed", str(seed), "--engine", "eager")
                told = trained(place, data, *words)
                errors[name].setdefault(rate, []).append(told["top1_errors"])
                seen = told["seen"]
    line(
        f"fine-tuning, {NETWORK} at {SIZE[1]} pixels, three classes from 24 pictures each",
        start="seven other classes" if start == "seven" else weights,
        **first,
        tested_on="training pictures left over" if choosing else "validation pictures",
        pictures=seen,
        top1_errors_by_rate=errors,
        settings={"first": FIRST, "both": SHORT, "from nothing": PAPER_S},
    )


def laid_out(folder: Path, names: list[str], seed: int | None, tested: str) -> Path:
    """A folder of links: all training pictures, or few; tested on the others, or on `val`."""
    for name in names:
        whole = sorted((IMAGENETTE / "train" / name).iterdir())
        few = whole if seed is None else random.Random(f"{seed} {name}").sample(whole, FEW)
        val = sorted((IMAGENETTE / "val" / name).iterdir())
        test = val if tested == "val" else sorted(set(whole) - set(few))
        for part, files in (("train", few), ("val", test)):
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for file in files:
                link = place / file.name
                if not link.exists():
                    link.symlink_to(file)
    return folder


def trained(out: Path, data: Path, *words: str) -> dict[str, Any]:
    """What `deepres train` answers; of a run that is finished, again."""
    command = [sys.executable, "-m", "deepres", "train", NETWORK, "--data", f"folder:{data}"]
    whole = [*command, *PLAIN, *words, "--out", str(out)]
    return json.loads(subprocess.run(whole, stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    main()
