"""Published networks in eight bits: what each backend makes of the same exported file.

Errors on CIFAR-10's test set, whose counts choose nothing, and how far each backend is from ONNX
Runtime, by which a file is compared when it is exported: in first guesses, and on the noise by
which `fastest` judges (its bound is `CLOSE`). `DEEPRES_DATA` names a folder with `cifar10` and
`weights`; `python bench/eight_bits.py [FILE ...]` asks about some of its weights.
"""

import os
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor

import deepres
from deepres.accel.engines import OF_FILES, Engine, Way, built
from deepres.accel.fastest import CLOSE, TRUSTED, apart
from deepres.accel.subject import pictures_like
from deepres.data.pictured import Pictured
from deepres.data.source import images
from deepres.evaluate import scores
from deepres.export.int8 import exported
from deepres.export.read import load
from timing import line

FILES = ("akamaster-resnet20-12fca82f.th", "akamaster-resnet56-4bfd9763.th")


def main() -> None:
    folder = Path(os.environ["DEEPRES_DATA"])
    test, training = (images(f"cifar10:{folder / 'cifar10'}", of) for of in ("test", "train"))
    for name in sys.argv[1:] or FILES:
        network = deepres.load(str(folder / "weights" / name)).eval()
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, "eight.onnx")
            file.write_bytes(exported(network, "normalised", training))
            asked(name, network, load(file), test)


@torch.inference_mode()
def asked(name: str, network: torch.nn.Module, loaded: Engine, test: Pictured) -> None:
    here = [kind for kind in OF_FILES if OF_FILES[kind].available()]
    engines = {kind: built(loaded, Way(kind, "int8", torch.get_num_threads())) for kind in here}
    noise, labels = pictures_like(loaded, 64), torch.as_tensor(test.labels)
    found = {kind: logits(engine, test) for kind, engine in engines.items()}
    usual = engines[TRUSTED](noise)
    line(
        "inference, int8 errors by backend",
        file=name,
        seen=len(test),
        top1_errors={
            kind: int((logits.argmax(1) != labels).sum())
            for kind, logits in {"fp32, eager": logits(network, test), **found}.items()
        },
        other_first_guesses={
            kind: int((logits.argmax(1) != found[TRUSTED].argmax(1)).sum())
            for kind, logits in found.items()
        },
        apart_on_noise={kind: round(apart(run(noise), usual), 4) for kind, run in engines.items()},
        bound=CLOSE["int8"],
    )


def logits(network: torch.nn.Module, test: Pictured) -> Tensor:
    return torch.cat(list(scores(network, network.card.preprocessing, None, test)))


if __name__ == "__main__":
    main()
