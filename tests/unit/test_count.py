"""Counts against the paper's numbers, against an independent counter, and in anybody's style."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from deepres.models.count import count, multiply_adds
from deepres.models.named import named
from deepres.models.zoo import IMAGENET_NAMES, arch

# Sec. 4.2 and Table 1 as counted for these definitions, option A, B, C.
PARAMETERS = {
    20: (269_722, 272_474, 283_962),
    32: (464_154, 466_906, 489_594),
    44: (658_586, 661_338, 695_226),
    56: (853_018, 855_770, 900_858),
    110: (1_727_962, 1_730_714, 1_826_202),
    1202: (19_421_274, 19_424_026, 20_538_714),
}
MULTIPLY_ADDS = {  # e9
    "plain18": 1.795,
    "resnet18-a": 1.795,
    "resnet18": 1.814,
    "resnet18-c": 1.878,
    "plain34": 3.644,
    "resnet34-a": 3.644,
    "resnet34": 3.664,
    "resnet34-c": 3.831,
    "resnet50": 3.86,
    "resnet50-v1.5": 4.09,
    "resnet101": 7.57,
    "resnet152": 11.28,
}


def counted(name):
    return count(named(name, device="meta"), arch(name).input_size)


@pytest.mark.parametrize(
    "layers", [20, 32, 44, 56, 110, pytest.param(1202, marks=pytest.mark.slow)]
)
def test_parameters_of_the_cifar_networks(layers):
    for option, expected in zip(("a", "b", "c"), PARAMETERS[layers], strict=True):
        assert counted(f"resnet{layers}-{option}").parameters == expected
    if layers != 1202:
        assert counted(f"plain{layers}").parameters == PARAMETERS[layers][0]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_of_table_1(name):
    digits = len(str(MULTIPLY_ADDS[name]).split(".")[1])
    assert round(counted(name).multiply_adds / 1e9, digits) == MULTIPLY_ADDS[name]


@pytest.mark.parametrize("name", [*IMAGENET_NAMES, "plain20", "resnet20-c", "resnet164-bottleneck"])
def test_layers_are_those_of_the_name(name):
    assert counted(name).layers == int("".join(c for c in name.split("-")[0] if c.isdigit()))


@pytest.mark.parametrize("name", ["resnet20", "resnet20-c", "plain20", "resnet18-cifar"])
def test_an_independent_counter_agrees(name):
    """torch's own counts flops below autograd; a multiply-add is two of them."""
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        named(name).eval()(torch.zeros(1, 3, 32, 32))
    assert counted(name).multiply_adds * 2 == flops.get_total_flops()


class Styles(nn.Module):
    """The ways of calling what is counted and what is passed over."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.second = nn.Parameter(torch.randn(8, 4, 3, 3))
        self.last, self.mean, self.var = nn.Linear(8, 5), torch.zeros(8), torch.ones(8)

    def forward(self, x):
        x = F.relu(input=self.first(x), inplace=True) + 1
        x = 2 + F.conv2d(input=x, weight=self.second, stride=2, padding=1, groups=2)
        x = torch.add(F.batch_norm(x, self.mean, self.var), other=x.clamp(min=0))
        x = x + torch.zeros(1, 1, 1, 1)
        x = F.linear(input=x.mean((2, 3)), weight=self.last.weight, bias=self.last.bias)
        return x @ torch.ones(5, 3)


def test_every_style_of_call_is_counted():
    network = Styles()
    expected = 8 * 27 * 16 * 16 + 8 * 36 * 8 * 8 + 8 * 5 + 5 * 3
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network.eval()(torch.zeros(1, 3, 16, 16))
    assert multiply_adds(network, 16) == expected == flops.get_total_flops() // 2


class Shapes(nn.Module):
    """One convolution and one mean, with the shapes that they give."""

    def __init__(self, **geometry):
        super().__init__()
        self.conv, self.dim, self.keepdim = nn.Conv2d(3, 4, **geometry), None, False

    def forward(self, x):
        self.maps = self.conv(x)
        self.mean = self.maps.mean(self.dim, keepdim=self.keepdim)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60)
@given(pairs, pairs, pairs, pairs, st.sampled_from([1, (1,), (-1, -2), (0, 2)]), st.booleans())
def test_shapes_are_those_that_running_gives(kernel, stride, padding, dilation, dim, keepdim):
    """Counting computes no values, and so works out the shapes of what it skips."""
    network = Shapes(kernel_size=kernel, stride=stride, padding=padding, dilation=dilation)
    network.dim, network.keepdim = dim, keepdim
    multiply_adds(network, 14)
    told = network.maps.shape, network.mean.shape
    network(torch.zeros(1, 3, 14, 14))
    assert told == (network.maps.shape, network.mean.shape)


def test_a_network_stays_as_it_was():
    network = named("resnet20").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    count(network, 32)
    assert network.training
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


MEASURED = """
import time
a = time.process_time()
import torch
b = time.process_time()
from deepres.models.count import count
from deepres.models.named import named
print(count(named("resnet1202", device="meta"), 32).parameters, b - a, time.process_time() - b)
# not getrusage: that peak is inherited from whatever process started this one
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in other units elsewhere")
def test_the_deepest_network_takes_no_memory_and_little_time():
    """Below `import torch`, measured in the same process: others slow both alike."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True
    )
    parameters, importing, counting, kilobytes = done.stdout.split()
    assert parameters == "19421274"
    assert int(kilobytes) < 1_000_000
    assert float(counting) < float(importing)
