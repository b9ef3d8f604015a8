"""Evaluates published checkpoints: `python checkpoints.py > checkpoints.jsonl`, in this folder.

`DEEPRES_DATA` names a folder with `cifar10` and `weights`. What their authors print stands beside.
The last rows run the same weights as another network whose state dict has the same keys.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from deepres.convert import card_of, read
from deepres.data.source import images
from deepres.evaluate import scores, total
from deepres.models.weights import assembled
from deepres.models.zoo import name_of

HERE = Path(os.environ["DEEPRES_DATA"])
DATA = f"cifar10:{HERE / 'cifar10'}"
CLAIMED = {
    "akamaster-resnet20-12fca82f.th": "-",
    "akamaster-resnet56-4bfd9763.th": "6.61 %",
    "a-martyn-resnet20.pt": "8.0 %, best over epochs",
    "a-martyn-plainnet20.pt": "9.5 %, best over epochs",
}
MISREAD = {"akamaster-resnet20-12fca82f.th": "A", "a-martyn-resnet20.pt": "none"}


def evaluated(file: str) -> dict[str, object]:
    words = ["evaluate", str(HERE / "weights" / file), "--data", DATA, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words], check=True, capture_output=True
    )
    return {"file": file, "claimed": CLAIMED[file], **json.loads(done.stdout)}


def misread(file: str, shortcut: str) -> dict[str, object]:
    made = read(HERE / "weights" / file)
    wrong = msgspec.structs.replace(made.arch, shortcut=shortcut)
    card = msgspec.structs.replace(card_of(made), arch=wrong)
    network, pictures = assembled(card, made.tensors, None, file), images(DATA)
    errors = total(scores(network, card.preprocessing, None, pictures), pictures)
    return {
        "file": file,
        "claimed": "(misread)",
        "network": name_of(wrong),
        "seen": errors.seen,
        "top1_errors": errors.top1,
        "top5_errors": errors.top5,
        "top1_error": errors.top1_error,
        "top5_error": errors.top5_error,
    }


if __name__ == "__main__":
    for result in [*map(evaluated, CLAIMED), *(misread(*pair) for pair in MISREAD.items())]:
        sys.stdout.write(json.dumps(result) + "\n")
