"""Whatever trainers wrap around a state dict comes off; which weights were taken is said."""

import argparse
import pathlib
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from authors import Akamaster, shaken
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.swa_utils import AveragedModel

from deepres.convert import peel, read, unpickle
from deepres.errors import UserError

PLAIN = Akamaster(1).state_dict()
OTHER = {name: torch.zeros_like(tensor) for name, tensor in PLAIN.items()}
ARGS = argparse.Namespace(model="resnet20", lr=0.1, output_dir=pathlib.Path("runs"))
OPTIMISER = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}


def prefixed(prefix, tensors=PLAIN):
    return OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def opened(path, content):
    torch.save(content, path)
    return peel.peeled(path, unpickle.read(path))


def holds_plain(found):
    assert found.tensors.keys() == PLAIN.keys()
    assert all(torch.equal(found.tensors[name], PLAIN[name]) for name in PLAIN)
    return found


CONTAINERS = {
    "plain": PLAIN,
    "kuangliu": {"net": prefixed("module."), "acc": 93.2, "epoch": 3},
    "akamaster": {"state_dict": prefixed("module."), "best_prec1": 91.0},
    "pytorch-examples": {
        "epoch": 90,
        "arch": "resnet18",
        "state_dict": prefixed("module."),
        "best_acc1": torch.tensor(69.7),
        "optimizer": OPTIMISER,
        "scheduler": {"step_size": 30, "_last_lr": [0.001]},
    },
    "torchvision": {
        "model": PLAIN,
        "optimizer": OPTIMISER,
        "lr_scheduler": {"last_epoch": 89},
        "epoch": 89,
        "args": ARGS,
        "scaler": {"scale": 65536.0, "growth_tracker": 3},
    },
    "timm": {
        "epoch": 3,
        "arch": "resnet18",
        "state_dict": prefixed("_orig_mod."),
        "optimizer": OPTIMISER,
        "version": 2,
        "args": ARGS,
        "metric": np.float64(71.2),
    },
    "lightning": {
        "state_dict": prefixed("model."),
        "pytorch-lightning_version": "2.4.0",
        "hyper_parameters": {"lr": 0.1, "args": ARGS, "metric": np.float32(0.9)},
        "hparams_name": "kwargs",
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val_acc'}": {"best_model_score": np.arange(3)}},
        "optimizer_states": [OPTIMISER],
    },
    "composer": {
        "state": {
            "model": prefixed("module."),
            "optimizers": {"SGD": OPTIMISER},
            "dataset_state": {"train": None},
        },
        "rng": [{"python": (3, (1, 2, 3), None), "numpy": ("MT19937", np.arange(4), 1, 0, 0.0)}],
    },
    "mmengine": {
        "meta": {"epoch": 100, "cfg": "model = dict()", "seed": np.int64(3)},
        "state_dict": PLAIN,
        "message_hub": defaultdict(dict, {"loss": 1.0}),
        "param_schedulers": [],
    },
    "wrapped": {"model_state_dict": prefixed("net."), "optimizer_state_dict": OPTIMISER},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_trainers_wrapper_comes_off(tmp_path, name):
    found = holds_plain(opened(tmp_path / "file.bin", CONTAINERS[name]))
    assert found.container == name
    assert not any("several sets" in note for note in found.notes)
    assert (found.config == {}) is (name != "mmengine")


@pytest.mark.parametrize(
    ("content", "taken", "left"),
    [
        ({"state_dict": OTHER, "state_dict_ema": PLAIN, "arch": "r", "version": 2}, "_ema", "dict"),
        ({"model": OTHER, "model_ema": prefixed("module.")}, "model_ema", "model"),
        ({"state_dict": PLAIN, "ema_state_dict": OTHER, "meta": {}}, "mmengine", "ema_state_dict"),
        ({"state_dict": PLAIN, "current_model_state": OTHER}, "Lightning", "current_model_state"),
    ],
)
def test_of_two_sets_of_weights_the_average_is_taken_and_said(tmp_path, content, taken, left):
    (said,) = [
        note
        for note in holds_plain(opened(tmp_path / "f", content)).notes
        if "several sets" in note
    ]
    assert "moving average" in said
    assert taken in said
    assert said.endswith(f"{left} left.")


def test_averaged_models_leave_their_counter(tmp_path):
    averaged = AveragedModel(shaken(Akamaster(1)))
    found = opened(tmp_path / "ema.pt", {"model": OTHER, "model_ema": averaged.state_dict()})
    assert found.tensors.keys() == PLAIN.keys()
    assert any("n_averaged" in note for note in found.notes)


def test_wrappers_within_a_network_come_off_too(tmp_path):
    names = {
        name: name.replace("layer1.", "layer1._fsdp_wrapped_module.").replace(
            "layer2.0.", "layer2.0._checkpoint_wrapped_module._orig_mod."
        )
        for name in PLAIN
    }
    content = {f"_fsdp_wrapped_module.{names[name]}": tensor for name, tensor in PLAIN.items()}
    holds_plain(opened(tmp_path / "fsdp.pt", content))


def test_a_profilers_counters_are_left_out_and_said(tmp_path):
    content = PLAIN | {"total_ops": torch.zeros(1), "layer1.0.total_params": torch.zeros(1)}
    found = holds_plain(opened(tmp_path / "thop.pt", content))
    assert any("2 counters" in note for note in found.notes)


PREFIXES = st.lists(
    st.sampled_from(["module.", "model.", "net.", "backbone.", "_orig_mod.", "encoder.q."]),
    max_size=4,
)
KEYS = st.lists(
    st.sampled_from(["state_dict", "model", "net", "state", "model_state_dict", "module"]),
    max_size=4,
)


@settings(max_examples=30)
@given(prefixes=PREFIXES, keys=KEYS)
def test_wrappers_nest_in_any_order(tmp_path_factory, prefixes, keys):
    content = prefixed("".join(prefixes), {name: PLAIN[name] for name in list(PLAIN)[:12]})
    for key in keys:
        content = {key: content, "epoch": 1}
    path = tmp_path_factory.mktemp("nested") / "file"
    found = opened(path, content)
    assert list(found.tensors) == list(PLAIN)[:12]


def test_what_is_no_state_dict_is_refused_by_what_it_is(tmp_path):
    path = tmp_path / "file"
    for content, told in [
        ([PLAIN], "holds a list, not a state dict"),
        (torch.zeros(3), "holds a Tensor"),
        (
            {"optimizer": OPTIMISER, "epoch": 3},
            "holds no weights .*: its keys are epoch, optimizer",
        ),
        ({"state_dict": {}}, "its keys are none"),
        (PLAIN | {"name": "resnet"}, "name is a str, not a tensor"),
        (PLAIN | {3: torch.zeros(1)}, "3 among its weights is no tensor's name"),
        (PLAIN | {"x": torch.zeros(1).to_sparse()}, "_rebuild_sparse_tensor"),
        (PLAIN | {"x": torch.zeros(1).expand(10**6)}, "more numbers than the file holds"),
        (
            {"module.conv.weight": torch.ones(1), "_orig_mod.module.conv.weight": torch.ones(1)},
            "two",
        ),
    ]:
        with pytest.raises(UserError, match=told):
            opened(path, content)
    loop = {"epoch": 1}
    loop["state_dict"] = loop
    with pytest.raises(UserError, match="wrapped more than 8 times"):
        opened(path, loop)


def test_a_whole_module_is_not_unpickled(tmp_path):
    with pytest.raises(UserError, match=r"names authors\.Akamaster.*save the state_dict alone"):
        opened(tmp_path / "whole.pt", Akamaster(1))


def test_a_lonely_tensor_keeps_its_name_in_the_refusal(tmp_path):
    """What all names share is a prefix, but never a whole name."""
    path = tmp_path / "lonely.pt"
    torch.save({"module.encoder.weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=r"its keys \(weight, "):
        read(path)
