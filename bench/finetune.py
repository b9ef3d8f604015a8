"""Does fine-tuning pay? A network of five classes of Imagenette learns the other five from little.

ResNet-18 at 64 pixels learns the first five classes from all of their training pictures. Then the
other five are learned from 30 pictures a class, drawn by each of three seeds: from those weights,
and from nothing. `--choose` tries three rates for each way with seed 0, tested on the 190 training
pictures a class that are left over; the best of each is what TUNED and SCRATCH say, and without
`--choose` they are told on the validation pictures. `python bench/finetune.py FOLDER [--choose]`:
FOLDER keeps the runs, and one that is finished there is not trained again. One thread; Imagenette
below DEEPRES_DATA.
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
NETWORK, SIZE, FEW, SEEDS = "resnet18", 64, 30, range(3)
FIRST = ("--lr", "0.02", "--steps", "1900", "--drops", "1200,1600")
PAPER_S = ("--recipe", "imagenet", "--batch", "32", "--replicas", "1")
TUNED = ("--steps", "160", "--drops", "80,120", "--lr", "0.01")
SCRATCH = (*PAPER_S, "--steps", "240", "--drops", "120,180", "--lr", "0.02")
RATES = ("0.003", "0.01", "0.03"), ("0.02", "0.05", "0.1")  # tried for the one and the other
PLAIN = ("--size", str(SIZE), "--threads", "1", "--engine", "eager", "--json")


def main() -> None:
    folder, choosing = Path(sys.argv[1]).resolve(), "--choose" in sys.argv
    names = sorted(place.name for place in (IMAGENETTE / "train").iterdir())
    first = laid_out(folder / "first", names[:5], None, "val")
    start = trained(folder / "start", first, *PAPER_S, *FIRST)
    ways = {"tuned": ("--from", start["weights"], *TUNED), "from nothing": SCRATCH}
    if choosing:
        ways = {
            f"{name}, rate {rate}": (*way[:-1], rate)
            for (name, way), rates in zip(ways.items(), RATES, strict=True)
            for rate in rates
        }
    tested = "left over" if choosing else "val"
    errors: dict[str, list[int]] = {name: [] for name in ways}
    for seed in SEEDS[:1] if choosing else SEEDS:
        data = laid_out(folder / f"{tested} {seed}", names[5:], seed, tested)
        for name, way in ways.items():
            told = trained(folder / f"{name}, {tested} {seed}", data, *way, "--seed", str(seed))
            errors[name].append(told["top1_errors"])
            seen = told["seen"]
    line(
        "fine-tuning, resnet18 at 64 pixels, five classes of Imagenette from 30 pictures each",
        tested_on="training pictures left over" if choosing else "validation pictures",
        first_classes={"seen": start["seen"], "top1_errors": start["top1_errors"]},
        pictures=seen,
        top1_errors=errors,
        settings={"first": FIRST, "tuned": TUNED, "from nothing": SCRATCH},
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
    whole = [*command, *PLAIN, *words, "--looks", "0", "--out", str(out)]
    return json.loads(subprocess.run(whole, stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    main()
