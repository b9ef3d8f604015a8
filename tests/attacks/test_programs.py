"""`.pt2` files that would run code in torch.export.load: ours refuses them, and runs nothing."""

import contextlib
import io
import json
import pickle
import re
import warnings
import zipfile

import pytest
import torch

import deepres
from deepres.accel.fastest import fastest
from deepres.card import Card, Preprocessing
from deepres.errors import UserError
from deepres.export import program

HOW = Preprocessing(size=8, resize=8, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
# torch's own, of what it means to change, and of what the attacks make of it.
pytestmark = pytest.mark.filterwarnings("ignore")


class Evil:
    """Says that it was here, once it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (eval, (f"open({str(self.path)!r}, 'w').close()",))


@pytest.fixture(scope="module")
def members():
    """A whole file of ours, by member."""
    network = deepres.create("resnet8", 3).eval()
    network.card = Card(network="resnet8", arch=network.arch, preprocessing=HOW)
    with zipfile.ZipFile(io.BytesIO(program.exported(network, "normalised"))) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def written(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def model(members, change):
    """The members with something changed in the graph's JSON."""
    said = json.loads(members["archive/models/model.json"])
    change(said)
    return {**members, "archive/models/model.json": json.dumps(said)}


def pickled_weight(members, mark):
    name = "archive/data/weights/model_weights_config.json"
    config = json.loads(members[name])
    config["config"]["fc.bias"]["use_pickle"] = True
    file = io.BytesIO()
    torch.save(Evil(mark), file)
    weight = f"archive/data/weights/{config['config']['fc.bias']['path_name']}"
    return {**members, name: json.dumps(config), weight: file.getvalue()}


def pickled_sample(members, mark):
    file = io.BytesIO()
    torch.save(Evil(mark), file)
    return {**members, "archive/data/sample_inputs/model.pt": file.getvalue()}


def pickled_constant(members, mark):
    name = "archive/data/constants/model_constants_config.json"
    config = {
        "config": {
            "x": {
                "path_name": "opaque_obj_0",
                "is_param": False,
                "use_pickle": True,
                "tensor_meta": None,
            }
        }
    }
    evil = pickle.dumps(Evil(mark))
    return {**members, name: json.dumps(config), "archive/data/constants/opaque_obj_0": evil}


def evaluated_expression(members, mark):
    """In place of the batch's symbol."""
    said = members["archive/models/model.json"].decode()
    code = json.dumps(f"__import__('os').mkdir({str(mark)!r})")
    changed = re.sub(r'"expr_str": ?"[^"]*"', lambda _: f'"expr_str": {code}', said)
    assert changed != said
    return {**members, "archive/models/model.json": changed}


def any_function(members, mark):
    def change(said):
        first = said["graph_module"]["graph"]["nodes"][0]
        first["target"] = "torch.os.mkdir"
        first["inputs"] = [{"name": "path", "arg": {"as_string": str(mark)}, "kind": 1}]

    return model(members, change)


def executed_guard(members, mark):
    return model(
        members,
        lambda said: said["guards_code"].append(f"open({str(mark)!r}, 'w').close() or True"),
    )


ATTACKS = [pickled_weight, pickled_sample, pickled_constant, evaluated_expression, any_function]


@pytest.mark.parametrize("attack", [*ATTACKS, executed_guard])
def test_no_file_runs_code(tmp_path, members, attack):
    mark = tmp_path / "was-here"
    path = written(tmp_path / "evil.pt2", attack(members, mark))
    if attack in (evaluated_expression, executed_guard):  # what is not read does nothing
        deepres.load(path)
    else:
        with pytest.raises(UserError, match=r"not opened|not run"):
            deepres.load(path)
    assert not mark.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "attack", [pickled_weight, pickled_sample, pickled_constant, evaluated_expression]
)
def test_torch_itself_would_have_run_it(tmp_path, members, attack):
    """The danger is real: if torch closes these, the test says so and our reader could rest."""
    mark = tmp_path / "was-here"
    path = written(tmp_path / "evil.pt2", attack(members, mark))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):  # whatever it says, it is too late
            torch.export.load(path).module()(torch.zeros(2, 3, 8, 8))
    assert mark.exists()


def test_the_untouched_file_is_read(tmp_path, members):
    network = deepres.load(written(tmp_path / "good.pt2", members))
    assert network(torch.zeros(5, 3, 8, 8)).shape == (5, 3)
    assert fastest(network) is network, "it runs one way"
    for options in ({"engine": "openvino"}, {"engine": "eager"}, {"precision": "bf16"}):
        with pytest.raises(UserError, match=r"good\.pt2"):
            fastest(network, **options)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("archive/extra/card.json", None, "lacks"),
        ("archive/extra/card.json", "{}", "card cannot be read"),
        ("archive/extra/takes", "anything", "unknown here"),
        ("archive/models/model.json", "[]", "not laid out"),
        ("archive/models/model.json", "[" * 100_000, "not laid out"),
        ("archive/data/weights/weight_0", b"short", "does not fit"),
        ("archive/data/weights/weight_0", None, "lacks"),
    ],
)
def test_damaged_members_are_refused(tmp_path, members, name, content, says):
    changed = {**members, name: content}
    if content is None:
        del changed[name]
    with pytest.raises(UserError, match=says):
        deepres.load(written(tmp_path / "x.pt2", changed))


def test_a_graph_that_leads_nowhere_is_refused(tmp_path, members):
    def change(said):
        said["graph_module"]["graph"]["nodes"][3]["inputs"][0]["arg"]["as_tensor"]["name"] = "none"

    with pytest.raises(UserError, match="cannot be followed"):
        deepres.load(written(tmp_path / "x.pt2", model(members, change)))


def test_a_packed_member_is_refused(tmp_path, members):
    with zipfile.ZipFile(tmp_path / "x.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match="packed"):
        deepres.load(tmp_path / "x.pt2")


@pytest.mark.parametrize("ending", [".onnx", ".pt2"])
@pytest.mark.parametrize("engine", ["auto", "openvino"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x0a" + bytes(1000), b"PK\x03\x04" * 99])
def test_what_is_no_exported_file_is_one_sentence(tmp_path, sentence, ending, content, engine):
    path = tmp_path / f"x{ending}"
    path.write_bytes(content)
    assert str(path) in sentence("predict", path, "cat.png", "--engine", engine)
