"""Whether a device computes what the processor does, in the order in which one would look."""

import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from msgspec import structs

from deepres.accel.device.feed import fed
from deepres.accel.device.fleet import job_of, side_by_side
from deepres.accel.device.normalised import Formulas, Ways
from deepres.accel.device.placed import arithmetic, placed
from deepres.accel.device.planned import CLOSE, difference
from deepres.accel.device.step import OnDevice
from deepres.data.batches import Batch, batches
from deepres.data.synthetic import images as synthetic
from deepres.models.initialise import created
from deepres.models.zoo import arch
from deepres.runs.folder import Folder
from deepres.runs.pictures import Pictures
from deepres.spec import Data, Plan, Recipe, Run
from deepres.train import State, Step, begun, eager, fit

Words = str
SLICES = 2  # that are broken off
RECIPE = Recipe(batch=16, steps=20, drops=(8, 14))
SMALL = Pictures(synthetic("train", 256, 16), None, synthetic("test", 64, 16))


class Wrong(Exception):
    """A check that did not hold."""


def check(device: torch.device) -> int:
    """Every check, a line each; how many did not hold."""
    arithmetic()
    failed = 0
    for name, one in CHECKS.items():
        start = time.perf_counter()
        try:
            said = f"ok      {one(device)}"
        except Exception as error:  # noqa: BLE001 - the others are wanted too
            failed += 1
            said = f"FAILED  {type(error).__name__}: {error}"
        print(f"{name:32} {said} ({time.perf_counter() - start:.1f} s)")
    return failed


def within(distance: float, limit: float) -> Words:
    if not distance < limit:
        raise Wrong(f"apart by {distance:.1e}, where {limit:.0e} was expected")
    return f"apart by {distance:.1e}"


def own_kernels() -> Ways:
    from deepres.accel.device.kernels import Kernels

    return Kernels()


def what_is_here(device: torch.device) -> Words:
    told = f"torch {torch.__version__}"
    if device.type == "cuda":
        told += f", {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
        told += f", cuDNN {torch.backends.cudnn.version()}"
    return told


def draws(device: torch.device) -> Words:
    """Bit for bit: order, windows, mirrors, the mean's subtraction."""
    recipe = Recipe(batch=48, steps=20, drops=())
    pairs = zip(
        fed(device)(SMALL.train, recipe, 3, 2), batches(SMALL.train, recipe, 3, 2), strict=True
    )
    for number, (ours, theirs) in enumerate(pairs, 2):
        if not (
            torch.equal(ours.images.cpu(), theirs.images)
            and torch.equal(ours.labels.cpu(), theirs.labels)
        ):
            raise Wrong(f"the pictures of step {number} differ")
    return "18 batches, to the bit"


def random_batches(recipe: Recipe, kind: torch.dtype, edge: int = 16) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(5)
    for _ in range(recipe.steps):
        labels = torch.randint(10, (recipe.batch,), generator=generator)
        images = torch.randn(recipe.batch, 3, edge, edge, generator=generator, dtype=kind)
        images += 0.1 * labels[:, None, None, None]
        yield Batch(images.contiguous(memory_format=torch.channels_last), labels, recipe.replicas)


def end(
    name: str, recipe: Recipe, step: Step, device: torch.device, kind: torch.dtype
) -> tuple[State, list[float]]:
    """The state after a recipe's steps, and its losses."""
    network = placed(created(arch(name, 10), 3).to(kind), device)
    state, losses = begun(network, recipe), []
    for progress in fit(state, recipe, sent(random_batches(recipe, kind), device), step):
        losses.append(progress.loss)
    return state, torch.stack(losses).tolist()


def sent(stream: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    for batch in stream:
        yield Batch(batch.images.to(device), batch.labels.to(device), batch.replicas)


def apart(first: State, second: State) -> float:
    """The largest relative distance of any tensor of a state."""
    worst = 0.0
    for name, tensor in first.tensors().items():
        a, b = tensor.double().cpu(), second.tensors()[name].double().cpu()
        worst = max(worst, float((a - b).norm() / b.norm().clamp(min=1e-12)))
    return worst


def step_in_float64(device: torch.device) -> Words:
    """The captured step against the plain one on the processor, across two drops."""
    cpu, wide = torch.device("cpu"), torch.float64
    ours, _ = end("resnet14", RECIPE, OnDevice(RECIPE), device, wide)
    theirs, _ = end("resnet14", RECIPE, eager, cpu, wide)
    return within(apart(ours, theirs), 1e-8)


def graph_and_eager(device: torch.device) -> Words:
    """The same work launched as a graph, and operation by operation."""
    captured, _ = end("resnet14", RECIPE, OnDevice(RECIPE), device, torch.float64)
    step = OnDevice(RECIPE)

    def directly(state: State, batch: Batch, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        if step.graph is None:
            step.begin(state, batch)
            assert step.graph is not None
            step.launch = step.graph.work
        return step(state, batch, rate)

    plain, _ = end("resnet14", RECIPE, directly, device, torch.float64)
    return within(apart(captured, plain), 1e-8)


def layers_by_kernels(device: torch.device) -> Words:
    if device.type != "cuda":
        return "left out: Triton's kernels take a GPU"
    told = within(difference(own_kernels(), device), CLOSE)
    exact = within(difference(own_kernels(), device, torch.float32), 1e-5)
    return f"bf16 {told}, fp32 {exact}"


def training_in_bf16(device: torch.device) -> Words:
    """The mean loss of the later of 40 steps: kernels, formulas and the plain fp32 step."""
    recipe = structs.replace(RECIPE, steps=40, drops=(), precision="bf16")
    ways: dict[str, Ways] = {"formulas": Formulas()}
    if device.type == "cuda":
        ways["kernels"] = own_kernels()
    exact = structs.replace(recipe, precision="fp32")
    _, losses = end("resnet8", exact, eager, device, torch.float32)
    means = {"fp32": sum(losses[20:]) / 20}
    for name, way in ways.items():
        _, losses = end("resnet8", recipe, OnDevice(recipe, way), device, torch.float32)
        means[name] = sum(losses[20:]) / 20
    spread = max(means.values()) - min(means.values())
    within(spread, 0.15)
    return ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())


def runs() -> dict[str, Run]:
    recipe = Recipe(batch=8, steps=60, drops=(30, 45))
    one = Run(name="tiny", arch=arch("resnet8", 10), data=Data(name="synthetic"), recipe=recipe)
    plain = structs.replace(one, arch=arch("plain8", 10))
    return {"one": one, "two": structs.replace(one, seed=1), "plain": plain}


def carried(where: Path, device: torch.device, at_once: int, stops: Callable[[], bool]) -> None:
    plan = Plan(device=str(device), engine="graph", threads=torch.get_num_threads())
    jobs = [(name, job_of(run, plan, SMALL, where / name, 1)) for name, run in runs().items()]
    for name, item in side_by_side(jobs, at_once, device, stops):
        if isinstance(item, Exception):
            raise Wrong(f"{name}: {item}") from item


def distance(first: Path, second: Path) -> float:
    from deepres.models.weights import load

    worst = 0.0
    for name in runs():
        a, b = (load(Folder(path / name).weights).state_dict() for path in (first, second))
        for key, tensor in a.items():
            away = (tensor.double() - b[key].double()).norm()
            worst = max(worst, float(away / b[key].double().norm().clamp(min=1e-12)))
    return worst


def fleet_and_resume(device: torch.device) -> Words:
    """Three runs alone, again, side by side, and in slices: how far their weights lie apart."""
    with tempfile.TemporaryDirectory() as folder:
        alone, together, again, parts = (Path(folder) / n for n in ("1", "3", "again", "parts"))
        carried(alone, device, 1, lambda: False)
        carried(again, device, 1, lambda: False)
        carried(together, device, 3, lambda: False)
        for _ in range(SLICES):
            asked = iter(range(60))
            carried(parts, device, 3, lambda asked=asked: next(asked, None) is None)
        carried(parts, device, 3, lambda: False)
        repeated, beside, resumed = (distance(alone, p) for p in (again, together, parts))
    within(max(beside, resumed), max(10 * repeated, 0.5))
    return f"repeated {repeated:.1e}, side by side {beside:.1e}, in slices {resumed:.1e}"


def state_goes_on_elsewhere(device: torch.device) -> Words:
    """What the device trained for 10 steps, the processor goes on with."""
    cpu, wide = torch.device("cpu"), torch.float64
    first = structs.replace(RECIPE, steps=10, drops=(8,))
    begun_, _ = end("resnet8", first, OnDevice(first), device, wide)
    network = created(arch("resnet8", 10), 3).to(wide)
    state = begun(copy.deepcopy(network), RECIPE)
    state.restore({k: t.cpu() for k, t in begun_.tensors().items()}, begun_.facts())
    for _ in fit(state, RECIPE, list(random_batches(RECIPE, wide))[10:], eager):
        pass
    whole, _ = end("resnet8", RECIPE, eager, cpu, wide)
    return within(apart(state, whole), 1e-8)


CHECKS: dict[str, Callable[[torch.device], Words]] = {
    "what is here": what_is_here,
    "draws": draws,
    "step in float64": step_in_float64,
    "a state goes on elsewhere": state_goes_on_elsewhere,
    "graph and eager": graph_and_eager,
    "layers by kernels": layers_by_kernels,
    "training in bf16": training_in_bf16,
    "fleet and resume": fleet_and_resume,
}
