"""What is handed to a cluster, by a stand-in for Ray that carries tasks out when it is asked."""

import msgspec
import pytest

from deepres.errors import UserError
from deepres.spec import Data, Run
from deepres.studies import over_ray as module
from deepres.studies.runner import Done, Task


class Ray:
    """As much of Ray as is used: `cores` of each machine; a task ends when it is waited for."""

    def __init__(self, *cores):
        self.cores, self.begun, self.most, self.asked = cores, [], 0, {}

    def is_initialized(self):
        return False

    def init(self, **told):
        self.asked = told

    def shutdown(self):
        pass

    def nodes(self):
        return [{"Alive": True, "Resources": {"CPU": float(n)}} for n in self.cores]

    def remote(self, **_):
        return lambda function: self

    def options(self, num_cpus):
        self.now = num_cpus
        return Begin(self)

    def wait(self, waiting, timeout=None, num_returns=1):
        self.most = max(self.most, len(waiting))
        return waiting[:1], waiting[1:]

    def get(self, reference):
        return msgspec.json.encode(Done())


class Begin:
    def __init__(self, ray):
        self.ray = ray

    def remote(self, *given):
        self.ray.begun.append((self.ray.now, *given))
        return len(self.ray.begun)


def tasks(tmp_path, count, threads):
    run = Run(name="tiny", data=Data(name="digits"))
    return [
        Task(run=run, source="digits", folder=str(tmp_path / str(n)), looks=None, threads=threads)
        for n in range(count)
    ]


@pytest.fixture
def carried(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("DEEPRES_DATA", "/there")
    monkeypatch.chdir(tmp_path)

    def carried(ray, count, threads, jobs):
        monkeypatch.setattr(module, "_ray", lambda: ray)
        return list(module.over_ray(tasks(tmp_path, count, threads), jobs))

    return carried


def test_so_many_runs_at_a_time_as_were_asked_for_each_with_its_cores(carried, tmp_path):
    ray = Ray(64)
    assert len(carried(ray, 7, 4, 3)) == 7
    assert ray.most == 3 and len(ray.begun) == 7
    assert {cores for cores, *_ in ray.begun} == {4}
    assert {(here, data) for _, _, here, _, data in ray.begun} == {(str(tmp_path), "/there")}
    assert ray.asked["num_cpus"] == 12
    everything = Ray(64)
    carried(everything, 7, 4, None)
    assert everything.most == 7 and everything.asked["num_cpus"] == 4


def test_a_cluster_that_could_never_begin_is_told(carried):
    with pytest.raises(UserError, match="No machine of the cluster gives 4 cores"):
        carried(Ray(2, 3), 1, 4, None)
    assert len(carried(Ray(2, 4), 1, 4, None)) == 1
