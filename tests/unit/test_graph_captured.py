"""Capturing a graph: on which stream, alone, and without a trace; a GPU is played by stand-ins."""

import itertools
import threading
import time
from contextlib import contextmanager, nullcontext

import pytest
import torch

from deepres.accel.device import captured as capturing
from deepres.accel.device.captured import WARM, Gate, captured
from deepres.accel.device.fleet import STREAMS, side_by_side

WITHIN = 30
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


class Stream:
    """Made by its number: streams of one number are equal."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.waited: list[int] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.number == self.number

    def wait_stream(self, other: "Stream") -> None:
        self.waited.append(other.number)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """What a capture asks of torch.cuda; `own` is the stream that the caller works on."""
    told: dict[str, object] = {"own": Stream(0), "made": itertools.count(1), "within": []}

    @contextmanager
    def on(stream: Stream):  # type: ignore[no-untyped-def]
        before, told["own"] = told["own"], stream
        yield
        told["own"] = before

    @contextmanager
    def graph(graph: object, stream: Stream, capture_error_mode: str):  # type: ignore[no-untyped-def]
        told["captured on"], told["mode"] = stream.number, capture_error_mode
        with on(stream):
            yield

    class Replayed:
        def replay(self) -> str:
            return "replayed"

    cuda = torch.cuda
    monkeypatch.setattr(cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(cuda, "current_stream", lambda: told["own"])
    monkeypatch.setattr(cuda, "default_stream", lambda: Stream(0))
    monkeypatch.setattr(cuda, "Stream", lambda: Stream(next(told["made"])))
    monkeypatch.setattr(cuda, "stream", on)
    monkeypatch.setattr(cuda, "graph", graph)
    monkeypatch.setattr(cuda, "CUDAGraph", Replayed)
    return told


@pytest.mark.parametrize(("own", "expected"), [(0, 1), (7, 7)])
def test_a_thread_with_a_stream_of_its_own_captures_on_it(played, own: int, expected: int) -> None:  # type: ignore[no-untyped-def]
    """Any other might be another thread's; the default stream cannot be captured."""
    played["own"] = Stream(own)
    seen = []
    launch = captured(lambda: seen.append(played["own"].number), CUDA, [])
    assert launch() == "replayed"
    assert seen == [expected] * (WARM + 1)
    assert (played["captured on"], played["mode"]) == (expected, "thread_local")


def test_warming_up_leaves_no_trace(played) -> None:  # type: ignore[no-untyped-def]
    tensor = torch.arange(3.0)

    def work() -> None:
        tensor.add_(1)

    captured(work, CUDA, [tensor])
    assert tensor.tolist() == [0, 1, 2]


@pytest.mark.timeout(2 * WITHIN)
def test_whoever_captures_waits_for_the_others_and_keeps_new_ones_out() -> None:
    gate, order = Gate(), []
    inside, asked, may_end = (threading.Event() for _ in range(3))

    def works() -> None:
        with gate.among_others():
            inside.set()
            may_end.wait(WITHIN)
            order.append("worked")

    def captures() -> None:
        with gate.among_others():
            asked.set()
            with gate.alone():
                order.append("captured")
            order.append("went on")

    def comes_later() -> None:
        with gate.among_others():
            order.append("came later")

    first = threading.Thread(target=works)
    first.start()
    assert inside.wait(WITHIN)
    second = threading.Thread(target=captures)
    second.start()
    assert asked.wait(WITHIN)
    while not gate._waiting:
        pass
    third = threading.Thread(target=comes_later)
    third.start()
    third.join(0.2)
    assert order == [] and third.is_alive()
    may_end.set()
    for thread in (first, second, third):
        thread.join(WITHIN)
    assert order[:2] == ["worked", "captured"] and len(order) == 4


@pytest.mark.timeout(2 * WITHIN)
def test_captures_of_many_threads_never_overlap_anybody_s_work(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Through the fleet itself: each job works in stretches and captures in some of them."""
    gate, working, worst = Gate(), set(), []
    monkeypatch.setattr("deepres.accel.device.fleet.gate", gate)
    monkeypatch.setattr(capturing, "gate", gate)

    def job(stop):  # type: ignore[no-untyped-def]
        me = threading.get_ident()
        for number in range(60):
            working.add(me)
            if number % 5 == 0:
                working.discard(me)
                with gate.alone():
                    worst.append(len(working))
                working.add(me)
            time.sleep(0.001)
            working.discard(me)
            yield str(number)

    jobs = [(str(n), job) for n in range(6)]
    told = list(side_by_side(jobs, 3, CPU, lambda: False))
    assert len(told) == 6 * 60
    assert len(worst) == 6 * 12 and max(worst) == 0


def test_a_gate_is_open_again_after_work_that_fails() -> None:
    gate = Gate()
    for entered in (gate.among_others, gate.alone):
        with pytest.raises(RuntimeError), entered():
            raise RuntimeError
    with gate.among_others(), gate.alone():
        assert not gate._working
    assert not gate._working and not gate._waiting and not gate._taken


def test_no_two_threads_of_a_fleet_share_a_stream() -> None:
    met = threading.Event()

    def job(stop):  # type: ignore[no-untyped-def]
        met.wait(0.1)
        yield threading.current_thread().name

    names = {item for _, item in side_by_side([(str(n), job) for n in range(80)], 80, CPU, bool)}
    assert len(names) <= STREAMS
