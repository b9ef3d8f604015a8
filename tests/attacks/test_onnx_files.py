"""`.onnx` files that were tampered with: refused in a sentence, whichever backend was asked for."""

import pytest

import deepres
from deepres.accel.engines import OF_FILES, Way, built
from deepres.accel.graph import graph as written_graph
from deepres.card import Card, Preprocessing
from deepres.errors import UserError
from deepres.export import graph

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
HOW = Preprocessing(size=8, resize=8, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def content():
    """A whole file of ours, written node by node."""
    network = deepres.create("resnet8", 3).eval()
    network.card = Card(network="resnet8", arch=network.arch, preprocessing=HOW)
    return graph.finished(onnx.load_from_string(written_graph(network)), network, "normalised")


def changed(content, change):
    model = onnx.load_from_string(content)
    change(model)
    return model.SerializeToString()


def unknown_operator(model):
    model.graph.node[3].op_type = "Magic"


def weights_elsewhere(model):
    """As if the first weights lay in a file of the system."""
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")


def too_few_weights(model):
    model.graph.initializer[0].raw_data = b"1234"


def nothing_is_made(model):
    del model.graph.node[-1]


CHANGES = [unknown_operator, weights_elsewhere, too_few_weights, nothing_is_made]


@pytest.mark.parametrize("engine", ["auto", "openvino"])
@pytest.mark.parametrize("change", [*CHANGES, "cut", "no text"])
def test_a_tampered_file_is_one_sentence(tmp_path, sentence, content, change, engine):
    path = tmp_path / "x.onnx"
    if change == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif change == "no text":  # where ONNX Runtime would print, and try again
        path.write_bytes(content.replace(b"Conv", b"\xe6onv"))
    else:
        path.write_bytes(changed(content, change))
    assert str(path) in sentence("predict", path, "cat.png", "--engine", engine)


@pytest.mark.skipif(not OF_FILES["openvino"].available(), reason="openvino is not installed")
def test_openvino_is_no_way_around_what_onnx_runtime_refuses(tmp_path, content):
    """A file that was whole when it was looked at, and is another one when OpenVINO reads it."""
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    loaded = deepres.load(path)
    for change in CHANGES:
        path.write_bytes(changed(content, change))
        with pytest.raises(UserError, match=r"x\.onnx cannot be run by OpenVINO: ") as refused:
            built(loaded, Way("openvino"))
        assert "\n" not in str(refused.value) and "Exception from" not in str(refused.value)
