"""Does fine-tuning pay? Three classes of Imagenette are learned from 24 pictures each.

From the weights of a network that knows other pictures, and from nothing, three seeds each, which
also draw the pictures. `seven`: ResNet-18 at 64 pixels, which has learned the other seven classes
from all of their training pictures, here. `cifar10`: ResNet-20 at 32 pixels, the bundled weights.
`--choose` tries two rates for each way with seed 0, tested on the 196 training pictures a class
that are left over; the best of each is what START says, and without `--choose` they are told on the
validation pictures. `python bench/finetune.py FOLDER seven|cifar10 [--choose]`: FOLDER keeps the
runs, and one that is finished there is not trained again. One thread; Imagenette below
DEEPRES_DATA.
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
FIRST = (*PAPER_S, "--steps", "1200", "--drops", "800,1050", "--lr", "0.02")
SHORT = ("--steps", "160", "--drops", "80,120")
RATES = ("0.03", "0.1"), ("0.02", "0.05")  # tried for the one way and the other
PLAIN = ("--threads", "1", "--engine", "eager", "--looks", "0", "--json")
# network, pixels, rate from its weights, rate from nothing
START = {"seven": ("resnet18", "64", "0.1", "0.02"), "cifar10": ("resnet20", "32", "0.03", "0.05")}


def main() -> None:
    folder, start, choosing = Path(sys.argv[1]).resolve(), sys.argv[2], "--choose" in sys.argv
    network, size, *rates = START[start]
    names = sorted(place.name for place in (IMAGENETTE / "train").iterdir())
    weights, about = "resnet20-cifar10", {}
    if start == "seven":
        data = laid_out(folder / "first", names[:OLD], None, "val")
        found = trained(network, folder / "start", data, *FIRST, "--size", size)
        weights = found["weights"]
        about = {"first_classes": {name: found[name] for name in ("seen", "top1_errors")}}
    ways = {
        "tuned": ("--from", weights, *SHORT),
        "from nothing": (*PAPER_S, *SHORT, "--size", size),
    }
    tested = "left over" if choosing else "val"
    errors: dict[str, dict[str, list[int]]] = {name: {} for name in ways}
    for seed in SEEDS[:1] if choosing else SEEDS:
        data = laid_out(folder / f"{tested} {seed}", names[OLD:], seed, tested)
        for (name, way), tried, best in zip(ways.items(), RATES, rates, strict=True):
            for rate in tried if choosing else (best,):
                place = folder / f"{start}, {name}, {rate}, {tested} {seed}"
                words = (*way, "--lr", rate, "--seed", str(seed))
                told = trained(network, place, data, *words)
                errors[name].setdefault(rate, []).append(told["top1_errors"])
                seen = told["seen"]
    line(
        f"fine-tuning, {network} at {size} pixels, three classes from 24 pictures each",
        start="seven other classes" if start == "seven" else weights,
        **about,
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


def trained(network: str, out: Path, data: Path, *words: str) -> dict[str, Any]:
    """What `deepres train` answers; of a run that is finished, again."""
    command = [sys.executable, "-m", "deepres", "train", network, "--data", f"folder:{data}"]
    whole = [*command, *PLAIN, *words, "--out", str(out)]
    return json.loads(subprocess.run(whole, stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    main()
