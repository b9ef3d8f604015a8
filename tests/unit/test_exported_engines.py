"""Exported files by the backends that can run them: the same answers, chosen, named, refused."""

import json
import logging
from dataclasses import replace
from functools import partial

import pytest
import torch
from msgspec.structs import replace as replace_struct

import deepres
from deepres.accel import engines, fastest
from deepres.accel.engines import GRAPHS, Way, built
from deepres.accel.graph import graph as written_graph
from deepres.accel.subject import edge, pictures_like, timed_with
from deepres.card import Card, Preprocessing
from deepres.data.source import images
from deepres.errors import UserError
from deepres.evaluate import scores, total
from deepres.export import graph, int8, read

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
HOW = Preprocessing(size=8, resize=8, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
ONE = partial(Way, threads=1, batch=4)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPRES_CACHE", str(tmp_path / "cache"))


def network():
    made = deepres.create("resnet8", 10, seed=2).eval()
    made.card = Card(network="resnet8", arch=made.arch, preprocessing=HOW)
    return made


@pytest.fixture(scope="module")
def contents():
    """A file of each precision, written node by node, which takes no time."""
    made = network()
    with pytest.MonkeyPatch.context() as patch:
        traced = onnx.load_from_string(written_graph(made))
        patch.setattr(int8, "traced", lambda network, takes, opset: traced)
        eight = int8.exported(made, "normalised", images("digits", "train"))
    plain = onnx.load_from_string(written_graph(made))
    return {"int8": eight, "fp32": graph.finished(plain, made, "normalised")}


@pytest.fixture(params=["int8", "fp32"])
def file(request, contents, tmp_path):
    path = tmp_path / f"{request.param}.onnx"
    path.write_bytes(contents[request.param])
    return path


@pytest.fixture
def eight(contents, tmp_path):
    path = tmp_path / "eight.onnx"
    path.write_bytes(contents["int8"])
    return path


def both(monkeypatch, wrong=None):
    """As where OpenVINO is installed; what it does is ONNX Runtime's work, then made wrong."""

    def by_openvino(path, way):
        run = engines.by_onnxruntime(path, way)
        return run if wrong is None else lambda x: wrong(run(x))

    monkeypatch.setitem(GRAPHS, "openvino", by_openvino)
    for name, kind in engines.OF_FILES.items():
        monkeypatch.setitem(engines.OF_FILES, name, replace(kind, available=lambda: True))


def quicker(monkeypatch, name):
    """The clock is for one backend, of those that are left."""

    def in_turn(runs):
        asked.append(sorted(runs))
        return {way: [1.0 if name in way else 2.0] for way in runs}

    asked = []
    monkeypatch.setattr(fastest, "in_turn", in_turn)
    return asked


def test_openvino_gives_onnx_runtimes_answers(file):
    if not engines.OF_FILES["openvino"].available():
        pytest.skip("openvino is not installed")
    usual, precision = deepres.load(file), file.stem
    x = pictures_like(usual, 64)
    answer = built(usual, ONE("openvino", precision))(x)
    expected = usual(x)
    assert fastest.apart(answer, expected) < fastest.CLOSE[precision]
    with torch.inference_mode():
        itself = network()(x)
    backends, quantising = (
        (one - expected).square().mean().sqrt().item() for one in (answer, itself)
    )
    if precision == "int8":
        assert 0 < backends < quantising, "less than eight bits cost"
    else:
        assert backends < 1e-5
    assert answer.argmax(1).unique().numel() > 1, "else first guesses tell nothing"


def test_the_quickest_is_taken_named_and_remembered_by_content(file, monkeypatch, contents):
    both(monkeypatch)
    asked = quicker(monkeypatch, "OpenVINO")
    names = [f"{label} {file.stem}, 1 thread" for label in ("ONNX Runtime", "OpenVINO")]
    usual = deepres.load(file)
    for _ in range(2):
        engine = fastest.fastest(usual, threads=1)
        assert (engine.about, engine.card) == (names[1], usual.card)
    assert asked == [names]
    moved = file.rename(file.with_name("moved.onnx"))
    assert fastest.fastest(deepres.load(moved), threads=1).about == names[1]
    assert len(asked) == 1, "the same file elsewhere"
    fastest.fastest(deepres.load(moved), threads=1, batch=1)
    moved.write_bytes(contents[file.stem] + b"\x72\x00")  # one more entry, empty, of the metadata
    fastest.fastest(deepres.load(moved), threads=1)
    assert len(asked) == 3, "another size of batch, and another file"


def test_plain_load_is_onnx_runtime_whatever_is_quicker(eight, monkeypatch):
    both(monkeypatch)
    quicker(monkeypatch, "OpenVINO")
    assert fastest.fastest(deepres.load(eight)).about.startswith("OpenVINO int8")
    assert deepres.load(eight).about.startswith("ONNX Runtime int8")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda logits: 1.2 * logits,
        lambda logits: logits.roll(1, 1),
        lambda logits: logits * torch.nan,
        lambda logits: logits[:, :9],
        lambda logits: logits[:1],
    ],
    ids=["larger", "other classes", "not a number", "too few", "too few pictures"],
)
def test_what_answers_otherwise_is_left_out_and_said_once(eight, monkeypatch, caplog, wrong):
    both(monkeypatch, wrong)
    asked = quicker(monkeypatch, "OpenVINO")
    usual = deepres.load(eight)
    with caplog.at_level(logging.WARNING, "deepres"):
        for _ in range(2):
            assert fastest.fastest(usual, threads=1).about == "ONNX Runtime int8, 1 thread"
    assert asked == [["ONNX Runtime int8, 1 thread"]]
    (said,) = caplog.messages
    assert said.startswith("OpenVINO int8, 1 thread is not taken: its answers for")
    assert str(eight) in said


def broken(path, way):
    raise RuntimeError(
        "Exception from src/inference/core.cpp:105:\nCheck 'false' failed at src/x.cpp:1:\n"
        "Operator Foo is unknown\n"
    )


def test_what_cannot_run_a_file_is_left_out_or_one_sentence(eight, monkeypatch, caplog):
    both(monkeypatch)
    monkeypatch.setitem(GRAPHS, "openvino", broken)
    usual, says = (
        deepres.load(eight),
        f"{eight} cannot be run by OpenVINO: Operator Foo is unknown.",
    )
    assert fastest.fastest(usual, threads=1).about.startswith("ONNX Runtime")
    assert caplog.messages == [f"OpenVINO int8, 1 thread is not taken: {says}"]
    with pytest.raises(UserError) as refused:
        fastest.fastest(usual, engine="openvino")
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "eager"}, "runs networks: .*eight.onnx takes onnxruntime or openvino"),
        ({"engine": "magic"}, "choose auto, "),
        ({"engine": "openvino"}, "takes openvino installed; --engine auto takes what is here"),
        ({"precision": "bf16"}, "is for networks: .*eight.onnx was exported in int8"),
    ],
)
def test_what_a_file_cannot_be_asked_for_is_one_sentence(eight, monkeypatch, options, says):
    gone = replace(engines.OF_FILES["openvino"], available=lambda: False)
    monkeypatch.setitem(engines.OF_FILES, "openvino", gone)
    with pytest.raises(UserError, match=says) as refused:
        fastest.fastest(deepres.load(eight), **options)
    assert str(refused.value).count(".\n") == 0


def test_a_named_engine_is_taken(eight, monkeypatch):
    both(monkeypatch)
    for name, label in engines.LABELS.items():
        engine = fastest.fastest(deepres.load(eight), engine=name, threads=1)
        assert engine.about == f"{label} int8, 1 thread"


def test_first_guesses_may_differ_where_logits_are_as_close_as_they_may_be():
    expected = torch.tensor([[10.0, 9.5, 0.0], [0.0, 1.0, 8.0]])
    close = torch.tensor([[9.7, 9.8, 0.0], [0.0, 1.0, 8.0]])
    assert fastest.apart(expected, expected) == 0
    assert fastest.apart(close, expected) == pytest.approx(0.05), "its guess lacks 0.5 of 10"
    far = torch.tensor([[10.0, 9.5, 0.0], [0.0, 4.6, 4.5]])
    assert fastest.apart(far, expected) == pytest.approx(0.7)


def test_an_unknown_precision_is_refused(contents, tmp_path):
    model = onnx.load_from_string(contents["fp32"])
    (entry,) = [one for one in model.metadata_props if one.key == "precision"]
    entry.value = "int8\x1b[2J"
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"computes in int8\\x1b\[2J, which is unknown"):
        read.load(tmp_path / "x.onnx")


def test_huge_pictures_are_measured_one_at_a_time(eight):
    """What a card says must not make noise of gigabytes."""
    loaded = deepres.load(eight)
    assert (edge(loaded), timed_with(loaded, 64), timed_with(loaded, 1)) == (8, 64, 1)
    for size, largest in ((224, 8), (10_000, 1)):
        how = replace_struct(HOW, size=size, resize=size)
        loaded.card = replace_struct(loaded.card, preprocessing=how)
        assert timed_with(loaded, 64) == largest


def test_what_was_measured_is_readable(eight, monkeypatch, tmp_path):
    both(monkeypatch, lambda logits: -logits)
    fastest.fastest(deepres.load(eight), threads=1)
    (found,) = (tmp_path / "cache" / "engines").iterdir()
    times = json.loads(found.read_text())
    assert times["OpenVINO int8, 1 thread"] is None and times["ONNX Runtime int8, 1 thread"] > 0


@pytest.mark.slow
def test_a_published_network_in_eight_bits_by_both(real_data, tmp_path):
    """Errors of all 10,000 test pictures are a bench's: here the first thousand."""
    if not engines.OF_FILES["openvino"].available():
        pytest.skip("openvino is not installed")
    cifar = f"cifar10:{real_data / 'cifar10'}"
    made = deepres.load(real_data / "weights" / "akamaster-resnet20-12fca82f.th")
    path = tmp_path / "eight.onnx"
    path.write_bytes(int8.exported(made, "normalised", images(cifar, "train")))
    loaded, test = deepres.load(path), images(cifar, "test").part(slice(1000), "first")
    other = fastest.fastest(loaded, engine="openvino")
    noise = pictures_like(loaded, 64)
    assert 0 < fastest.apart(other(noise), loaded(noise)) < fastest.CLOSE["int8"]
    how = made.card.preprocessing
    usual, others = (total(scores(one, how, None, test), test) for one in (loaded, other))
    assert usual.seen == others.seen == 1000
    assert abs(usual.top1 - others.top1) <= 10, "of some seven other first guesses"
