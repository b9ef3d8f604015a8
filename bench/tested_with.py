"""Which statistics batch normalisation tests with: running, or true averages, clean or augmented.

Published CIFAR-10 networks err on training images that the averages are not of; the test set is
not read. `DEEPRES_DATA` names a folder with `cifar10` and `weights`.
"""

import os
from pathlib import Path

from msgspec import structs

import deepres
from deepres.data.batches import normalisation
from deepres.data.pictured import Pictured
from deepres.models.resnet import ResNet
from deepres.population import adopt
from deepres.runs.looks import errors, measured
from deepres.runs.pictures import gathered
from deepres.spec import CIFAR, Protocol, Run
from timing import line

FILES = (
    "akamaster-resnet20-12fca82f.th",
    "akamaster-resnet56-4bfd9763.th",
    "a-martyn-resnet20.pt",
    "a-martyn-plainnet20.pt",
)
COUNTED = slice(30_000, 50_000)


def main() -> None:
    folder = Path(os.environ["DEEPRES_DATA"])
    pictures, data = gathered(f"cifar10:{folder / 'cifar10'}")
    for name in FILES:
        network = deepres.load(str(folder / "weights" / name))
        run = Run(name=name, data=data, protocol=Protocol(statistics_augmented=False))
        line(
            "errors by statistics, training images",
            file=name,
            seen=COUNTED.stop - COUNTED.start,
            top1_errors=counts(network, run, pictures.train),
        )


def counts(network: ResNet, run: Run, images: Pictured) -> dict[str, int]:
    """Errors with the statistics that the file has, and with averages of 10,000 images."""
    how = network.card.preprocessing
    recipe = structs.replace(
        CIFAR, replicas=1, centre="given", mean=how.mean, std=how.std, padding="black"
    )
    look, counted = normalisation(images, recipe), images.part(COUNTED, "counted")
    found = {"running": errors(network.eval(), look, counted).top1}
    for name, augmented in (("clean", False), ("augmented", True)):
        protocol = structs.replace(run.protocol, statistics_augmented=augmented)
        one = structs.replace(run, recipe=recipe, protocol=protocol)
        adopt(network, measured(network, one, images.part(slice(COUNTED.start), "averaged"), look))
        found[name] = errors(network.eval(), look, counted).top1
    return found


if __name__ == "__main__":
    main()
