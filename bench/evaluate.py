"""CIFAR evaluation: ours against the usual way, ResNet-20 on all 10,000 test images.

The usual way: the same network, eager, PIL images through a transform in a DataLoader (the better
of 0 and 2 workers), argmax. Ours: `deepres.load`, BN folded, channels last. Both end in the same
count of errors. Data as in the tests: DEEPRES_DATA holds cifar10 and weights.
"""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import deepres
from deepres.accel.fuse import fused
from deepres.data.source import images
from deepres.evaluate import scores, total
from timing import interleaved, line, spread

HERE = Path(os.environ["DEEPRES_DATA"])


class Pictures(Dataset):
    """PIL images and the transforms people compose: to a tensor, then normalise."""

    def __init__(self, pixels, labels, how):
        self.images = [Image.fromarray(picture) for picture in pixels]
        self.labels = labels
        self.mean = torch.tensor(how.mean).view(3, 1, 1)
        self.std = torch.tensor(how.std).view(3, 1, 1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        x = torch.from_numpy(np.array(self.images[index])).permute(2, 0, 1).contiguous()
        return x.float().div(255).sub(self.mean).div(self.std), int(self.labels[index])


def main() -> None:
    network = deepres.load(HERE / "weights" / "akamaster-resnet20-12fca82f.th")
    how, pictures = network.card.preprocessing, images(f"cifar10:{HERE / 'cifar10'}", "test")
    usual_data = Pictures(pictures.pixels, pictures.labels, how)
    counted = {}

    def usual(workers):
        def run():
            wrong = 0
            with torch.no_grad():
                for x, y in DataLoader(usual_data, batch_size=250, num_workers=workers):
                    wrong += int((network(x).argmax(1) != y).sum())
            counted[f"usual, {workers} workers"] = wrong

        return run

    def ours():
        counted["ours"] = total(scores(fused(network), how, None, pictures), pictures).top1

    runs = {"ours": ours, "usual, 0 workers": usual(0), "usual, 2 workers": usual(2)}
    times = interleaved(runs, rounds=5)
    best = min(("usual, 0 workers", "usual, 2 workers"), key=lambda n: np.median(times[n]))
    rates = {name: [len(pictures) / t for t in values] for name, values in times.items()}
    ratios = [b / a for a, b in zip(times["ours"], times[best], strict=True)]
    line(
        "evaluate resnet20 on 10,000 CIFAR-10 test images",
        images_per_second={name: spread(values) for name, values in rates.items()},
        ratio_to_best_usual=spread(ratios),
        top1_errors=counted,
    )


if __name__ == "__main__":
    main()
