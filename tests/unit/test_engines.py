"""Every backend against the network itself, and the choice among them."""

import json
from dataclasses import replace

import pytest
import torch

import deepres
from deepres.accel import fastest
from deepres.accel.engines import KINDS, Engine, Way, built
from deepres.accel.graph import graph
from deepres.accel.records import record, recorded
from deepres.accel.subject import facts
from deepres.card import Card, Preprocessing
from deepres.errors import Failed, UserError

HOW = Preprocessing(size=32, resize=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
SIZES = {"resnet18-ceil": 64, "resnet26-bottleneck-2.2.2.2": 64}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path))


def lived_in(name, how=HOW):
    """A network whose batch normalisation does something."""
    made = deepres.create(name, 5, seed=2).eval()
    generator = torch.Generator().manual_seed(3)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
    made.card = Card(network=name, arch=made.arch, preprocessing=how)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "resnet20",
        "plain8",
        "resnet8-a-both",
        "resnet8-c",
        "resnet18-ceil",
        "resnet10-1.1.1.1",
        "resnet26-bottleneck-2.2.2.2",
        "resnet18-cifar",
    ],
)
@pytest.mark.parametrize("kind", ["eager", "onnxruntime", "openvino"])
def test_a_backend_gives_the_networks_answers(name, kind):
    if not KINDS[kind].available():
        pytest.skip(f"{kind} is not installed")
    network, size = lived_in(name), SIZES.get(name, 32)
    x = torch.randn(5, 3, size, size, generator=torch.Generator().manual_seed(1))
    x = x.contiguous(memory_format=torch.channels_last)
    engine = built(network, Way(kind, "fp32", 1, 4))
    with torch.inference_mode():
        expected = network(x)
    for part in (x, x[:1], x[:3].contiguous()):
        torch.testing.assert_close(engine(part), expected[: len(part)], rtol=1e-4, atol=1e-4)
    assert engine.about.endswith("fp32, 1 thread")
    assert engine.card == network.card


def test_half_precision_is_near_and_is_half():
    network = lived_in("resnet20")
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    answer = built(network, Way("eager", "bf16", 1, 4))(x)
    with torch.inference_mode():
        difference = (answer - network(x)).abs().max() / network(x).abs().max()
    assert 1e-5 < difference < 0.1
    assert answer.dtype == torch.float32


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_network_takes_batches_of_any_size():
    if not KINDS["compiled"].available():
        pytest.skip("there is no compiler")
    network = lived_in("resnet8")
    x = torch.randn(11, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    engine = built(network, Way("compiled", "fp32", 1, 4))
    with torch.inference_mode():
        for part in (x, x[:4], x[:1]):
            torch.testing.assert_close(engine(part), network(part), rtol=1e-4, atol=1e-4)


def test_what_is_fastest_is_taken_and_remembered(monkeypatch):
    network, measured = lived_in("resnet8"), []

    def timed(network, candidates):
        measured.append([way.kind for way in candidates])
        return {str(way): 2.0 if way.kind == "onnxruntime" else 1.0 for way in candidates}

    monkeypatch.setattr(fastest, "measured", timed)
    monkeypatch.setattr(fastest, "has", lambda kind, kinds: kind in ("eager", "onnxruntime"))
    for _ in range(2):
        assert fastest.fastest(network, threads=1, pictures=64).about == "eager fp32, 1 thread"
    assert measured == [["onnxruntime", "eager"]]
    assert fastest.fastest(network, threads=1, batch=1).about.startswith("eager")
    assert len(measured) == 2, "a batch of one is another question"


def test_slow_builders_are_tried_where_they_can_pay(monkeypatch):
    network = lived_in("resnet8")
    seconds = {"eager": 1.0, "compiled": 0.5}
    monkeypatch.setattr(
        fastest, "measured", lambda network, ways: {str(way): seconds[way.kind] for way in ways}
    )
    monkeypatch.setattr(fastest, "has", lambda kind, kinds: kind in seconds)
    monkeypatch.setattr(fastest, "built", lambda network, way: way.kind)
    assert fastest.fastest(network, pictures=64) == "eager"
    assert fastest.fastest(network, pictures=1e6) == "compiled"


def test_a_backend_that_answers_otherwise_is_not_taken(monkeypatch):
    network = lived_in("resnet8")
    wrong = Engine(lambda x: network(x) * 1.1, network.card, None)
    monkeypatch.setattr(fastest, "built", lambda network, way: wrong)
    with pytest.raises(Failed, match="other answers"):
        fastest.measured(network, [Way("eager", "fp32", 1, 1)])


def test_a_spoiled_record_is_measured_anew(tmp_path):
    network = lived_in("resnet8")
    times = fastest.measured(network, [Way("eager", "fp32", 1, 1)])
    assert times["eager fp32, 1 thread"] > 0
    known = facts(network, 1, "fp32")
    record(known, times)
    assert recorded(known) == times
    (file,) = (tmp_path / "engines").iterdir()
    assert json.loads(file.read_text()) == times
    file.write_text("{")
    assert recorded(known) == {}


def test_an_engine_that_is_not_here_is_refused(monkeypatch):
    with pytest.raises(UserError, match="has no bf16"):
        fastest.fastest(lived_in("resnet8"), engine="onnxruntime", precision="bf16")
    gone = replace(KINDS["openvino"], available=lambda: False)
    monkeypatch.setitem(KINDS, "openvino", gone)
    with pytest.raises(UserError, match="openvino and onnx installed"):
        fastest.fastest(lived_in("resnet8"), engine="openvino")


def test_the_graph_is_valid_onnx():
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(onnx.load_from_string(graph(lived_in("resnet8-a-both"))), True)
