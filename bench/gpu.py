"""A GPU in one script: first whether it computes right, then how fast, then the paper's runs.

    python bench/gpu.py check
    python bench/gpu.py time --out DIR
    python bench/gpu.py train --minutes 9 --runs DIR --out DIR [--data cifar10:PATH]

Data are found as ever: by --data, or as cifar10 in the folder that DEEPRES_DATA names. From a
checkout that is not installed, PYTHONPATH=src, and beside torch and NumPy it wants msgspec,
platformdirs, safetensors, Pillow and, for parquet, pyarrow. `train` ends in time and goes on where
it was, from --runs or from what earlier calls put into --out (--carry DIR). What goes out is small:
lines of results, and archives of folders: finished runs, then states while there is room. Without a
GPU it says so and ends.
"""

import argparse
import sys
from pathlib import Path

import torch

from on_gpu.check import check
from on_gpu.times import times
from on_gpu.training import PLAN, Slice, called, train


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("check", "time", "train"), default="check")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--carry", type=Path, help="what an earlier call put into --out")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--jobs", type=int, default=4, help="runs side by side")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--only", default="", help="networks or studies, as in resnet20,fast")
    parser.add_argument("--layers", choices=("auto", "formulas", "kernels"), default="auto")
    parser.add_argument("--tiny", type=int, default=0, help="so many steps in place of all")
    given = parser.parse_args(words)
    only = tuple(filter(None, given.only.split(",")))
    if unknown := set(only) - {called(study, row) for study, row, _ in PLAN}:
        parser.error(f"--only {','.join(sorted(unknown))}: the plan has no such network or study")
    if given.jobs < 1:
        parser.error(f"--jobs {given.jobs}: one run at a time is the least")
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("There is no GPU here: nothing was checked, timed or trained.")
        return 0
    device = torch.device(given.device)
    if given.what == "check":
        return check(device)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.what == "time":
        return times(device, given.out, given.tiny)
    return train(
        Slice(
            device=device,
            out=given.out,
            runs=given.runs,
            carry=given.carry,
            source=given.data,
            minutes=given.minutes,
            jobs=given.jobs,
            precision=given.precision,
            only=only,
            layers=given.layers,
            steps=given.tiny,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
