"""From uint8 pictures to updated weights, ResNet-20 at batch 128: ours against the usual way.

The usual way: PIL pictures through padding, a random crop and a random mirror, to a tensor and
normalised, in a `DataLoader` (the better of 0 and 2 workers), into an eager NCHW network with
`torch.optim.SGD`, malloc as it comes. Ours: `fit` with the plan that `choose` makes, two replicas
as in Sec. 4.2. Pictures are noise: no pixel's value changes the time. All take turns, each in its
own process; a ratio is of neighbouring turns. Preparing batches is also timed alone.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import deepres
from deepres.accel.choose import choose
from deepres.accel.precision import bf16_gain
from deepres.accel.prepared import prepared, stream
from deepres.data.augment import normalisation
from deepres.data.batches import batch_of
from deepres.data.images import Images
from deepres.spec import Recipe
from deepres.train import begun, fit
from timing import interleaved, line, spread
from turns import in_turns

BATCH, STEPS, ROUNDS = 128, 3, 7


def noise() -> Images:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (10_000, 32, 32, 3), dtype=np.uint8)
    return Images("noise", pixels, rng.integers(0, 10, 10_000), tuple("abcdefghij"), "")


class Usual(Dataset):
    """What people compose: pad, crop, mirror, to a tensor, normalise; a picture at a time."""

    def __init__(self, images: Images) -> None:
        self.pictures = [Image.fromarray(pixels) for pixels in images.pixels]
        self.labels = images.labels.tolist()
        self.mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(3, 1, 1)
        self.deviation = torch.tensor([0.2470, 0.2435, 0.2616]).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = ImageOps.expand(self.pictures[index], 4)
        left, top = random.randint(0, 8), random.randint(0, 8)
        picture = picture.crop((left, top, left + 32, top + 32))
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous().float().div(255)
        return x.sub(self.mean).div(self.deviation), self.labels[index]


def usual(workers: int) -> Callable[[], None]:
    loader = DataLoader(Usual(noise()), BATCH, shuffle=True, num_workers=workers, drop_last=True)
    network = deepres.create("resnet20").train()
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)

    def endless() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            yield from loader

    batches = endless()

    def work() -> None:
        for _ in range(STEPS):
            images, labels = next(batches)
            optimiser.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimiser.step()

    return work


def ours(recipe: Recipe) -> Callable[[], None]:
    network = deepres.create("resnet20")
    choice = choose(network, recipe, 32)
    step = prepared(network, recipe, choice.plan)
    state = begun(network, recipe)
    steps = fit(state, recipe, stream(choice.plan)(noise(), recipe, 0, 0), step)

    def work() -> None:
        for _ in range(STEPS):
            next(steps)

    return work


def preparing() -> None:
    """Batches alone, on one thread."""
    images, recipe = noise(), Recipe()
    how = normalisation(images, recipe)
    usual_pictures = Usual(images)
    torch.set_num_threads(1)
    times = interleaved(
        {
            "ours": lambda: [batch_of(images, how, recipe, 0, step) for step in range(40)],
            "PIL": lambda: [usual_pictures[n] for n in range(5 * BATCH)],
        },
        rounds=7,
    )
    counts = {"ours": 40 * BATCH, "PIL": 5 * BATCH}
    rates = {name: spread([counts[name] / t for t in taken]) for name, taken in times.items()}
    line("preparing batches of 32x32", images_per_second=rates)


def main() -> None:
    variants = {
        "usual, 0 workers": partial(usual, 0),
        "usual, 2 workers": partial(usual, 2),
        "ours, fp32": partial(ours, Recipe()),
    }
    if bf16_gain() > 1.2:
        variants["ours, bf16"] = partial(ours, Recipe(precision="bf16"))
    times = in_turns(variants, ROUNDS)
    best = min(("usual, 0 workers", "usual, 2 workers"), key=lambda name: np.median(times[name]))
    line(
        "pictures to updated weights, resnet20, batch 128",
        images_per_second={n: spread([STEPS * BATCH / t for t in v]) for n, v in times.items()},
        ratio_to_best_usual={
            name: spread([u / t for u, t in zip(times[best], taken, strict=True)])
            for name, taken in times.items()
            if name.startswith("ours")
        },
        best_usual=best,
    )
    preparing()


if __name__ == "__main__":
    main()
