"""Files of a run: whole or not there, states that say whether they are whole, logs that fit."""

import errno
import fcntl
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deepres.errors import Failed, UserError
from deepres.runs import disk, log, states
from deepres.runs.log import Found, Log
from deepres.spec import Plan, Recipe
from deepres.train import Facts, State, begun


def test_a_log_goes_on_where_a_state_left_it(tmp_path):
    written = Log(tmp_path / "log.jsonl")
    assert written.cut(0) == 0
    events = [Found(step=n, event="plateau") for n in range(5)]
    for event in events:
        written.write(event)
    with written.path.open("a") as file:
        file.write('{"kind":"event","st')  # the disk was full
    assert list(log.read(written.path)) == events
    again = Log(written.path)
    assert again.cut(3) == 0
    again.write(events[4])
    assert list(log.read(written.path)) == [*events[:3], events[4]]
    assert Log(written.path).cut(6) == 2
    assert list(log.read(written.path)) == [*events[:3], events[4]]


def test_a_line_that_is_none_is_named(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"kind":"event","step":1,"event":"plateau"}\nhello\n')
    with pytest.raises(UserError, match=r"log\.jsonl, line 2"):
        list(log.read(path))


class PowerCut(BaseException):
    """The machine stops here."""


class Fuse:
    """Lets so many operations on the disk pass, and cuts the power at the next one."""

    def __init__(self, monkeypatch, operations):
        self.left = operations
        for owner, name in ((os, "fsync"), (os, "replace"), (os, "unlink"), (io, "open")):
            monkeypatch.setattr(owner, name, self.fused(name, getattr(owner, name)))

    def fused(self, name, operation):
        def fused(first, *more, **options):
            self.left -= 1
            if self.left < 0:
                if name == "fsync":  # what was not synced may be half there
                    os.ftruncate(first, os.fstat(first).st_size // 2) if writes(first) else None
                raise PowerCut
            return operation(first, *more, **options)

        return fused


def writes(descriptor):
    """Whether a file is open to be written."""
    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & (os.O_RDWR | os.O_WRONLY)


def saved(step):
    return states.Saved(
        key="k",
        plan=Plan(),
        facts=Facts(step, (("plateau", 1),), (3, 4)),
        stretch=states.Stretch([0.1], [2], [0.01]),
        lines=step,
        seconds=1.5,
    )


def state_at(weight, step=None):
    network = nn.Linear(3, 2)
    nn.init.constant_(network.weight, weight)
    return State(network, begun(network, Recipe()).optimiser, weight if step is None else step)


def newest(folder):
    """Step, and the weight that says which state the tensors are of."""
    for path in states.found(folder):
        tensors, told = states.read(path)
        return told.facts.step, float(tensors["network.weight"][0, 0])
    return None


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on Unix")
def test_power_may_go_at_any_operation_of_saving(tmp_path, monkeypatch):
    """Wherever it is cut, one of the last two states is there, whole; the next saving tidies up."""
    outcomes = set()
    for operations in range(40):
        folder = tmp_path / str(operations)
        folder.mkdir()
        for step in (1, 2):
            states.write(folder, state_at(step), saved(step))
        with monkeypatch.context() as patch:
            Fuse(patch, operations)
            try:
                states.write(folder, state_at(3), saved(3))
            except PowerCut:
                whole = False
            else:
                whole = True
        found = newest(folder)
        assert found in ((2, 2.0), (3, 3.0))
        outcomes.add((whole, found[0]))
        states.write(folder, state_at(4), saved(4))
        names = sorted(path.name for path in folder.iterdir())
        assert names == [
            f"{step:09d}.{kind}" for step in (found[0], 4) for kind in ("json", "safetensors")
        ]
    assert outcomes == {(False, 2), (False, 3), (True, 3)}


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "run.json"
    disk.write_whole(path, b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        disk.write_whole(path, b"after")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@given(data=st.data())
def test_any_flipped_bit_is_found(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("state")
    states.write(folder, state_at(1), saved(1))
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(states.Damaged):
        states.read(next(states.found(folder)))


def test_tensors_of_one_network_may_share_memory(tmp_path):
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    states.write(tmp_path, begun(network, Recipe()), saved(0))
    assert "network.1.weight" in states.read(next(states.found(tmp_path)))[0]


def test_a_broken_network_replaces_no_state(tmp_path):
    states.write(tmp_path, state_at(1), saved(1))
    with pytest.raises(Failed, match=r"network\.weight holds NaN or infinite values after step 2"):
        states.write(tmp_path, state_at(float("inf"), 2), saved(2))
    assert newest(tmp_path) == (1, 1.0)
