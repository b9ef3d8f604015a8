"""One training step of ResNet-20 at batch 128: ours against the usual way.

The usual way: the same network, eager, NCHW, `torch.optim.SGD`, malloc as it comes. Ours stands
beside it in each form that a plan can take. All take turns on the same batch, each in its own
process; a ratio is of neighbouring turns. bf16 only where the processor computes in it.
"""

from collections.abc import Callable
from functools import partial

import torch
from msgspec.structs import replace
from torch.nn import functional as F

import deepres
from deepres.accel.choose import has_compiler
from deepres.accel.native.build import compiler
from deepres.accel.precision import bf16_gain
from deepres.accel.prepared import prepared
from deepres.data.batches import Batch
from deepres.spec import Plan, Recipe
from deepres.train import begun
from timing import line, spread
from turns import in_turns

BATCH, STEPS, ROUNDS = 128, 2, 8


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, 3, 32, 32, generator=generator)
    return images, torch.randint(10, (BATCH,), generator=generator)


def usual() -> Callable[[], None]:
    network = deepres.create("resnet20").train()
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    images, labels = pictures()

    def work() -> None:
        for _ in range(STEPS):
            optimiser.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimiser.step()

    return work


def ours(recipe: Recipe, plan: Plan) -> Callable[[], None]:
    network = deepres.create("resnet20").train()
    step = prepared(network, recipe, plan)
    state = begun(network, recipe)
    images, labels = pictures()
    batch = Batch(images.to(memory_format=torch.channels_last), labels, recipe.replicas)

    def work() -> None:
        for _ in range(STEPS):
            step(state, batch, 0.1)

    return work


def main() -> None:
    threads = torch.get_num_threads()
    eager = Plan(threads=threads, malloc="kept")
    compiled = Plan(threads=threads, malloc="kept", engine="compiled")
    folded = Plan(threads=threads, malloc="kept", replicas="folded")
    one, two = Recipe(replicas=1), Recipe()
    variants = {
        "usual": usual,
        "eager, malloc as it comes": partial(ours, one, Plan(threads=threads)),
        "eager": partial(ours, one, eager),
        "eager, two replicas in turn": partial(ours, two, eager),
        "eager, two replicas folded": partial(ours, two, folded),
    }
    if compiler():
        native, at_once = (replace(plan, engine="native") for plan in (eager, folded))
        variants["native"] = partial(ours, one, native)
        variants["native, two replicas in turn"] = partial(ours, two, native)
        variants["native, two replicas folded"] = partial(ours, two, at_once)
    if has_compiler():
        variants["compiled"] = partial(ours, one, compiled)
        variants["compiled, two replicas in turn"] = partial(ours, two, compiled)
    if bf16_gain() > 1.2:
        half = Recipe(replicas=2, precision="bf16")
        best = compiled if has_compiler() else eager
        variants["bf16, two replicas in turn"] = partial(ours, half, best)
    times = in_turns(variants, ROUNDS)
    ratios = {
        name: spread([u / t for u, t in zip(times["usual"], taken, strict=True)])
        for name, taken in times.items()
    }
    line(
        "training step, resnet20, batch 128",
        images_per_second={n: spread([STEPS * BATCH / t for t in v]) for n, v in times.items()},
        ratio_to_usual=ratios,
        threads=threads,
    )


if __name__ == "__main__":
    main()
