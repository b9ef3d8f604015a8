"""What the ranks of a test do; apart from the tests, so that processes need not import pytest."""

import os
import signal
import time
from dataclasses import replace
from functools import partial
from itertools import count

import torch
import torch.distributed as dist
from msgspec import structs
from torch import nn

import deepres.runs.session
import deepres.train
from deepres.accel.prepared import prepared, stream
from deepres.data.batches import Batch, normalisation
from deepres.data.digits import images as digits
from deepres.data.order import Part
from deepres.models.initialise import initialise
from deepres.models.resnet import ResNet
from deepres.models.zoo import arch
from deepres.ranks import Lost, in_order
from deepres.runs.folder import Folder
from deepres.runs.looks import errors, measured
from deepres.runs.pictures import Pictures
from deepres.runs.running import carried_out
from deepres.runs.work import Curve, Work, network_of
from deepres.spec import DIGITS, Arch, Data, Plan, Protocol, Recipe, Run
from deepres.together import together
from deepres.train import begun, eager, fit

TINY = Arch(stem="3x3", block="basic", depths=(2, 1), widths=(4, 6), shortcut="A", classes=3)
RECIPE = Recipe(batch=24, steps=20, drops=(9,), replicas=4, warm_up="error", lr=0.05)


def pictures(ranks):
    """This rank's replicas of 20 batches; class k is a little brighter in channel k."""
    generator = torch.Generator().manual_seed(5)
    mine = slice(*(24 * (ranks.rank + at) // ranks.count for at in (0, 1)))
    for _ in range(20):
        labels = torch.randint(3, (24,), generator=generator)
        images = torch.randn(24, 3, 8, 8, generator=generator, dtype=torch.float64)
        images += 0.5 * nn.functional.one_hot(labels, 3)[:, :, None, None]
        yield Batch(images[mine], labels[mine], 4 // ranks.count)


class Dropping(nn.Module):
    """Somebody's own network: it draws, and its normalisation has no momentum."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, momentum=None)
        self.drop, self.last = nn.Dropout(0.5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(self.drop(self.norm(self.first(x)).relu().mean((2, 3))))


def made(kind):
    torch.manual_seed(3)
    return Dropping() if kind == "dropping" else initialise(ResNet(TINY), seed=3)


def trained(ranks, kind, dtype):
    """20 steps: the state's tensors, its events, and each step's loss and wrong answers."""
    deepres.train.WINDOW = 5  # so that a warm-up of few steps ends by their errors
    state = begun(made(kind).to(dtype), RECIPE)
    state.seed = 7
    step = eager if ranks.count == 1 else partial(together, ranks=ranks)
    stream = (replace(b, images=b.images.to(dtype)) for b in pictures(ranks))
    told = [(float(p.loss), int(p.wrong)) for p in fit(state, RECIPE, stream, step)]
    tensors = {name: t.detach().numpy() for name, t in state.tensors().items()}
    return tensors, state.events, told


def looked(ranks, augmented):
    """Population statistics and exact errors on digits, of batches that do not come out even."""
    images = digits("train").part(slice(620), "few")
    recipe = structs.replace(DIGITS, batch=64, replicas=2)
    protocol = Protocol(statistics_images=330, statistics_augmented=augmented)
    run = Run(name="x", data=Data(name="digits"), recipe=recipe, protocol=protocol)
    how = normalisation(images, recipe)
    network = initialise(ResNet(structs.replace(TINY, classes=10)), seed=3)
    found = measured(network, run, images, how, ranks)
    return {name: t.numpy() for name, t in found.items()}, errors(network, how, images, ranks)


def exchanged(ranks):
    """All that ranks can tell each other."""
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(6, 11, generator=generator)
    mine = rows[6 * ranks.rank // ranks.count : 6 * (ranks.rank + 1) // ranks.count]
    pieces = [torch.full((1 + n, 2), float(n)) for n in range(4)][ranks.rank :: ranks.count]
    whole = ranks.summed(mine)
    return (
        bool((whole == in_order(rows)).all()),
        float(ranks.given(torch.tensor(float(ranks.rank)))),
        ranks.told(b"first" if ranks.first else b"another, longer"),
        ranks.told(b""),
        (ranks.any(ranks.rank == 1), ranks.any(False)),
        torch.cat(list(ranks.dealt(pieces)))[:, 0].tolist(),
    )


def left_alone(ranks, how):
    """The last rank goes; the others say what they find, and how long it took."""
    if ranks.rank == ranks.count - 1:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(6)
        return None
    start = time.monotonic()
    try:
        while True:
            ranks.any(False)
    except Lost as error:
        return str(error), time.monotonic() - start


def in_fp16_over(ranks, scale, whole):
    """The same pictures in half precision: losses, events and the scale in the end."""
    recipe = structs.replace(RECIPE, precision="fp16", warm_up="none")
    network = made("paper")
    step = prepared(network, recipe, Plan(), ranks)
    state = begun(network, recipe)
    state.scale = scale
    mine = Part(ranks.rank, ranks.count).places(24)
    parts = [Batch(b.images[mine].float(), b.labels[mine], 4 // ranks.count) for b in whole]
    return [float(p.loss) for p in fit(state, recipe, parts, step)], state.events, state.scale


SMALL = structs.replace(DIGITS, batch=16, replicas=4, steps=20, drops=(10,))


def carried(ranks, path, last=0):
    """A run of 20 steps in a folder, to its end; the last rank dies after so many, if any."""
    deepres.runs.session.COST_AT_MOST = 1e9  # a state after every step
    run = Run(name="small", arch=arch("resnet8", 10), data=Data(name="digits"), recipe=SMALL)
    train, test = digits("train"), digits("test")
    pictures_ = Pictures(train.part(slice(300), "x"), None, test.part(slice(260), "y"))
    network, plan = network_of(run, pictures_.train), Plan(ranks=ranks.count)
    step = prepared(network, SMALL, plan, ranks)
    feed = stream(plan, Part(ranks.rank, ranks.count))
    work = Work(run, plan, pictures_, Curve(5, 100), step, feed, 0.0, ranks)
    folder, steps = Folder(path), count(1)

    def stop():
        if next(steps) == last and ranks.rank == ranks.count - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    if ranks.first:
        folder.take()
    try:
        for _ in carried_out(work, network, folder, stop):
            pass
    except Lost as error:
        return str(error)
    finally:
        folder.leave()
    return ""


def sent_by(ranks, rows, length):
    """Bytes that leave this rank while it takes part in a sum."""
    sent, whole, each = [], dist.all_gather, dist.all_to_all_single

    def gather(into, mine):
        sent.append((ranks.count - 1) * mine.nbytes)
        whole(into, mine)

    def deal(into, mine):
        sent.append((ranks.count - 1) * mine.nbytes // ranks.count)
        each(into, mine)

    dist.all_gather, dist.all_to_all_single = gather, deal
    ranks.summed(torch.ones(rows, length))
    dist.all_gather, dist.all_to_all_single = whole, each
    return sum(sent)
