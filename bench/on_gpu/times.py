"""Images per second of a step: the usual way, ours, and several networks side by side."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

from deepres.accel.device.normalised import Formulas, Ways
from deepres.accel.device.placed import arithmetic, placed
from deepres.accel.device.planned import layers
from deepres.accel.device.step import OnDevice
from deepres.data.batches import Batch
from deepres.models.count import multiply_adds
from deepres.models.initialise import created
from deepres.models.zoo import arch
from deepres.spec import Recipe
from deepres.train import begun

BATCH = 128
NETWORKS = ("resnet20", "resnet110")
SIDE_BY_SIDE = (1, 2, 4, 8)
PASSES = 10  # over a layer's output, forward and back, that the floor of bytes counts

Steps = Callable[[int], None]


def times(device: torch.device, out: Path, tiny: int = 0) -> int:
    """Prints, and keeps in times.jsonl, one line a question."""
    arithmetic()
    steps, rounds = (tiny, 1) if tiny else (100, 5)
    bytes_a_second, operations_a_second = ceilings(device, tiny)
    ways: dict[str, Ways] = {"formulas": Formulas()}
    kind, said = layers(device)
    print(said or "layers by torch's operations")
    if kind == "kernels":
        from deepres.accel.device.kernels import Kernels

        ways["kernels"] = Kernels()
    with (out / "times.jsonl").open("a") as file:

        def told(**figures: object) -> None:
            text = json.dumps(figures | {"device": called(device)})
            print(text)
            file.write(text + "\n")

        told(bench="ceilings", bytes=bytes_a_second, operations=operations_a_second)
        for name in ("resnet8",) if tiny else NETWORKS:
            floor = floor_of(name, bytes_a_second, operations_a_second)
            variants = {"usual": usual(name, device)}
            variants |= {f"graph, {how}": ours(name, device, way) for how, way in ways.items()}
            for variant, rates in in_turns(variants, device, steps, rounds).items():
                told(
                    bench="step on a device",
                    network=name,
                    variant=variant,
                    images_per_second=rates,
                    share_of_floor=round(rates["median"] / floor, 4),
                )
        way = list(ways.values())[-1]
        for name in ("resnet8",) if tiny else NETWORKS:
            for count in SIDE_BY_SIDE[: 2 if tiny else None]:
                rate = together(name, device, way, count, steps)
                told(bench="side by side", network=name, count=count, images_per_second=rate)
    return 0


def called(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def ceilings(device: torch.device, tiny: int) -> tuple[float, float]:
    """Bytes copied (read and written) and bf16 operations in a second, as measured here."""
    size, edge, count = (1 << 20, 256, 2) if tiny else (1 << 30, 8192, 10)
    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=device)
    into = torch.empty_like(source)
    square = torch.randn(edge, edge, device=device, dtype=torch.bfloat16)

    def copies() -> None:
        for _ in range(count):
            into.copy_(source)

    def products() -> None:
        for _ in range(count):
            torch.mm(square, square)

    copies(), products()
    return (
        2 * count * size / seconds(copies, device),
        2 * count * edge**3 / seconds(products, device),
    )


def floor_of(name: str, bytes_a_second: float, operations_a_second: float) -> float:
    """Images per second that no step can pass: operations, or ten passes over the layers."""
    network = created(arch(name, 10))
    operations = 3 * 2 * multiply_adds(network, 32)
    moved = PASSES * 2 * values(name)
    return 1 / max(operations / operations_a_second, moved / bytes_a_second)


def values(name: str) -> int:
    """Outputs of all convolutions of one picture."""
    made = arch(name, 10)
    sizes = [width * (32 >> stage) ** 2 for stage, width in enumerate(made.widths)]
    return sizes[0] + sum(2 * depth * size for depth, size in zip(made.depths, sizes, strict=True))


def batch(device: torch.device) -> Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, 3, 32, 32, generator=generator).to(device)
    labels = torch.randint(10, (BATCH,), generator=generator).to(device)
    return Batch(images.contiguous(memory_format=torch.channels_last), labels, 2)


def usual(name: str, device: torch.device) -> Steps:
    """PyTorch as most use it: autocast to bf16, channels last, SGD; the pictures are there."""
    network = created(arch(name, 10)).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    given = batch(device)

    def work(steps: int) -> None:
        for _ in range(steps):
            optimiser.zero_grad()
            with torch.autocast(device.type, torch.bfloat16):
                loss = F.cross_entropy(network(given.images), given.labels)
            loss.backward()
            optimiser.step()

    return work


def ours(name: str, device: torch.device, ways: Ways) -> Steps:
    """The graph, two replicas as in the paper, so that it normalises no more at once."""
    recipe = Recipe(precision="bf16")
    state = begun(placed(created(arch(name, 10)), device).train(), recipe)
    step, given = OnDevice(recipe, ways), batch(device)

    def work(steps: int) -> None:
        for _ in range(steps):
            step(state, given, 0.1)

    return work


def in_turns(
    variants: dict[str, Steps], device: torch.device, steps: int, rounds: int
) -> dict[str, dict[str, float]]:
    """A B A B ...: images per second of each, the first turn not counted."""
    for work in variants.values():
        work(min(10, steps))
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, work in variants.items():
            took = seconds(lambda work=work: work(steps), device)
            found[name].append(BATCH * steps / took)
    return {
        name: {
            "median": round(statistics.median(rates)),
            "min": round(min(rates)),
            "max": round(max(rates)),
        }
        for name, rates in found.items()
    }


def together(name: str, device: torch.device, ways: Ways, count: int, steps: int) -> float:
    """So many networks on streams of their own: images per second of all."""
    cuda = device.type == "cuda"
    streams = [torch.cuda.Stream(device) if cuda else None for _ in range(count)]
    works = []
    for stream in streams:
        with torch.cuda.stream(stream):
            works.append(ours(name, device, ways))
            works[-1](3)

    def turns() -> None:
        for _ in range(steps):
            for stream, work in zip(streams, works, strict=True):
                with torch.cuda.stream(stream):
                    work(1)

    wait(device)
    return round(BATCH * steps * count / seconds(turns, device))
