"""What is made of a reading process that breaks off."""

import multiprocessing
import threading
import time

import pytest

from deepres.data.gallery.reading import WorkerEnded, _next


def broken_off(error):
    """An iterator whose writer is gone in the midst of a word."""
    raise error
    yield


@pytest.fixture
def process():
    made = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
    made.start()
    yield made
    made.kill()
    made.join()


BREAKS = [RuntimeError("worker"), ConnectionResetError("reset by peer"), EOFError()]


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_a_death_that_is_known_a_moment_later_is_one_sentence(process, error):
    threading.Timer(0.3, process.kill).start()
    with pytest.raises(WorkerEnded, match=r"ended \(Killed\)"):
        _next(broken_off(error), [process])


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_an_error_of_living_processes_stays_what_it_is(process, error):
    with pytest.raises(type(error)) as raised:
        _next(broken_off(error), [process])
    assert raised.value is error
