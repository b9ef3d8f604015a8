"""How long until the command line answers: `list` without torch, `count` of deep networks."""

import sys
from pathlib import Path

from timing import command, interleaved, line, spread

DEEPRES = str(Path(sys.executable).with_name("deepres"))

if __name__ == "__main__":
    runs = {
        "python": command(sys.executable, "-c", "pass"),
        "import torch": command(sys.executable, "-c", "import torch"),
        "list": command(DEEPRES, "list"),
        "count resnet152": command(DEEPRES, "count", "resnet152"),
        "count resnet1202": command(DEEPRES, "count", "resnet1202"),
    }
    times = interleaved(runs, rounds=7)
    line("startup", seconds={name: spread(values) for name, values in times.items()})
