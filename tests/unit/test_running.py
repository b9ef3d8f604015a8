"""Sessions: a run that was stopped between any two steps is the run that was not."""

import json

import msgspec
import pytest
import torch
from msgspec import structs
from torch import nn

import deepres.runs.session
from deepres.data.synthetic import images as synthetic
from deepres.errors import Failed, UserError
from deepres.models.weights import load
from deepres.models.zoo import arch
from deepres.runs import looks, states
from deepres.runs.folder import Folder
from deepres.runs.log import TIMES, Evaluated, Found, Moment, Report
from deepres.runs.pictures import Pictures, as_declared, gathered
from deepres.runs.result import Result
from deepres.runs.running import carried_out
from deepres.runs.work import Curve, Work, curve_of, network_of, stretch_of
from deepres.spec import CIFAR, DIGITS, Data, Plan, Recipe, Run
from deepres.train import eager

TINY = Recipe(batch=8, steps=20, lr=0.05, drops=(10, 15), replicas=2, shift=1)
RUN = Run(name="tiny", arch=arch("plain8", 10), data=Data(name="synthetic"), recipe=TINY)
SMALL = Pictures(synthetic("train", 64, 8), synthetic("train", 16, 8, 1), synthetic("test", 32, 8))


def work(run=RUN, **changes):
    given = {"curve": Curve(5, 16, test=True), "save_every": 1e9} | changes
    return Work(run, Plan(), SMALL, **given)


def ended(work, path, *stops):
    """Carries a run out, stopped after each of these steps; its folder and what it said."""
    folder, said = Folder(path), []
    for at in (*stops, None):
        folder.take()
        steps = [0]
        network = network_of(work.run, SMALL.train)
        for item in carried_out(work, network, folder, lambda at=at, n=steps: n[-1] == at):
            if isinstance(item, Moment):
                steps.append(item.step)
            said.append(item)
        folder.leave()
    return folder, said


def log_of(folder):
    lines = [json.loads(text) for text in folder.log.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def test_a_run_stopped_between_any_two_steps_is_the_same_run(tmp_path):
    """Stopped within a stretch, at its end, at a look, at a drop, before the last step."""
    recipe = structs.replace(TINY, steps=100, drops=(50, 75))
    longer = work(structs.replace(RUN, recipe=recipe), curve=Curve(25, 16, test=True))
    assert stretch_of(recipe) == 2
    whole, _ = ended(longer, tmp_path / "whole")
    broken, said = ended(longer, tmp_path / "broken", 1, 2, 25, 50, 99)
    assert sum(isinstance(item, Moment) for item in said) == 100
    for name in ("weights", "run"):
        assert getattr(whole, name).read_bytes() == getattr(broken, name).read_bytes(), name
    assert log_of(whole) == log_of(broken)
    assert [s.step for s in broken.sessions()] == [0, 1, 2, 25, 50, 99]


class Dropping(nn.Module):
    """Somebody's own: it draws while it trains, and it has a batch norm."""

    def __init__(self, classes=10):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()
        )
        self.last = nn.Linear(4 * 36, classes)

    def forward(self, x):
        return self.last(self.layers(x))


def test_what_somebodys_own_module_draws_is_counted_too(tmp_path):
    own = work(structs.replace(RUN, arch=None, network=f"{__name__}:Dropping"))
    whole, _ = ended(own, tmp_path / "whole")
    torch.manual_seed(7)
    broken, _ = ended(own, tmp_path / "broken", 3, 11)
    assert whole.weights.read_bytes() == broken.weights.read_bytes()
    assert log_of(whole) == log_of(broken)


def test_a_damaged_state_is_named_and_the_one_before_is_used(tmp_path):
    whole, _ = ended(work(), tmp_path / "whole")
    folder = Folder(tmp_path / "broken")
    for at in (6, 12):
        folder.take()
        stops = iter(range(1, 30))
        network = network_of(RUN, SMALL.train)
        for _ in carried_out(work(), network, folder, lambda at=at, n=stops: next(n) == at):
            pass
        folder.leave()
    last = folder.state / "000000018.safetensors"
    last.write_bytes(last.read_bytes()[:-5])
    folder, said = ended(work(), tmp_path / "broken")
    assert "the digest of its tensors does not agree" in said[0]
    assert "damaged-000000018.json" in said[0]
    assert said[1] == "Going on after step 6 of 20."
    assert log_of(folder) == log_of(whole)
    assert folder.weights.read_bytes() == whole.weights.read_bytes()
    assert {p.name for p in folder.state.glob("damaged-*")} == {
        "damaged-000000018.json",
        "damaged-000000018.safetensors",
    }


def test_a_finished_run_gives_its_result_again_and_trains_no_more(tmp_path):
    _, said = ended(work(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    _, again = ended(work(), tmp_path)
    assert again == [said[-1]]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_another_run_is_refused_and_the_difference_told(tmp_path):
    ended(work(), tmp_path)
    other = structs.replace(RUN, recipe=structs.replace(TINY, lr=0.1), seed=1)
    with pytest.raises(UserError, match=r"recipe\.lr was 0\.05, is 0\.1; seed was 0, is 1"):
        ended(work(other), tmp_path)


def test_files_of_an_unknown_run_are_not_overwritten(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"holds weights\.safetensors and no run\.json"):
        ended(work(), tmp_path)
    assert (tmp_path / "weights.safetensors").read_bytes() == b"precious"


def test_a_folder_is_held_by_one(tmp_path):
    one, two = Folder(tmp_path), Folder(tmp_path)
    one.take()
    with pytest.raises(UserError, match="held by another process"):
        two.take()
    one.leave()
    two.take()
    two.leave()


def test_a_loss_that_is_no_number_leaves_the_last_good_state(tmp_path):
    def breaking(state, batch, rate):
        loss, wrong = eager(state, batch, rate)
        return (loss * float("nan") if state.step == 13 else loss), wrong

    with pytest.raises(Failed, match=r"loss became nan at step 14, .*state, of step 7, is in"):
        ended(work(step=breaking), tmp_path, 7)
    folder, _ = ended(work(), tmp_path)
    whole, _ = ended(work(), tmp_path / "whole")
    assert log_of(folder) == log_of(whole)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "not enough memory for batches of 8"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device"),
    ],
)
def test_what_goes_wrong_on_the_way_is_one_sentence(tmp_path, error, sentence):
    def failing(state, batch, rate):
        raise error

    with pytest.raises(Failed, match=sentence + r".*No state had been saved yet\.$"):
        ended(work(step=failing), tmp_path)


def test_a_mistake_of_ours_is_not_dressed_up(tmp_path):
    def failing(state, batch, rate):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match=r"^shapes do not fit$"):
        ended(work(step=failing), tmp_path)


def test_states_are_saved_so_that_it_costs_a_hundredth_of_the_time(tmp_path, monkeypatch):
    """A clock that moves a second a step and an eighth of one for each saving."""
    now, saved = [0.0], []
    monkeypatch.setattr(deepres.runs.session.time, "perf_counter", lambda: now[0])
    write = states.write

    def slow(folder, state, told):
        now[0] += 0.125
        saved.append(state.step)
        write(folder, state, told)

    def step(state, batch, rate):
        now[0] += 1
        return eager(state, batch, rate)

    monkeypatch.setattr(deepres.runs.session.states, "write", slow)
    recipe = structs.replace(TINY, steps=60, drops=())
    ended(work(structs.replace(RUN, recipe=recipe), step=step, save_every=5.0), tmp_path / "5")
    assert saved == [5, 18, 31, 44, 57, 60]  # 12.5 s pay for one
    saved.clear()
    ended(work(structs.replace(RUN, recipe=recipe), step=step, save_every=20.0), tmp_path / "20")
    assert saved == [20, 40, 60]


def test_the_result_is_what_the_weights_do(tmp_path):
    folder, said = ended(work(), tmp_path)
    result = said[-1]
    assert isinstance(result, Result)
    network = load(folder.weights)
    answers = looks.Answers()
    stream = answers.gather(
        looks.scores(network, network.card.preprocessing, network.mean_image, SMALL.test)
    )
    found = looks.total(stream, SMALL.test)
    assert (found.seen, found.top1, found.top5) == msgspec.structs.astuple(result.test)
    assert answers.confusion(SMALL.test) == result.confusion
    counts = torch.tensor(result.confusion)
    assert counts.sum() == 32
    assert counts.sum() - counts.trace() == result.test.top1
    assert counts.sum(1).tolist() == [int((SMALL.test.labels == c).sum()) for c in range(10)]
    sure = [mistake.probability for mistake in result.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert len(sure) == min(result.test.top1, looks.MISTAKES)
    assert all(mistake.label != mistake.guess for mistake in result.mistakes)


def test_population_statistics_are_in_the_weights_and_running_ones_in_the_state(tmp_path):
    folder, said = ended(work(), tmp_path)
    tensors, _ = states.read(next(states.found(folder.state)))
    weights = load(folder.weights).state_dict()
    same = {n for n, t in weights.items() if torch.equal(t, tensors[f"network.{n}"])}
    assert {n for n in weights if "running" in n}.isdisjoint(same)
    assert {n for n in weights if "running" not in n} == same
    kinds = [(x.pictures, x.statistics, x.seen) for x in said if isinstance(x, Evaluated)][-4:]
    assert kinds == [
        ("test", "running", 32),
        ("trained on", "population", 64),
        ("held out", "population", 16),
        ("test", "population", 32),
    ]


def test_looks_on_the_way_change_nothing_but_the_log(tmp_path):
    watched, said = ended(work(), tmp_path / "watched")
    blind, _ = ended(work(curve=Curve(0, 16)), tmp_path / "blind")
    assert watched.weights.read_bytes() == blind.weights.read_bytes()
    looked = [x for x in said if isinstance(x, Evaluated) and x.step < 20]
    assert [(x.step, x.pictures, x.watching) for x in looked] == [
        (step, pictures, pictures == "test")
        for step in (5, 10, 15)
        for pictures in ("trained on", "held out", "test")
    ]


def test_reports_add_up(tmp_path):
    _, said = ended(work(), tmp_path)
    reports = [item for item in said if isinstance(item, Report)]
    assert sum(report.seen for report in reports) == 20 * 8
    assert [report.step for report in reports] == list(range(1, 21))
    assert reports[-1].epoch == 20 * 8 / 64
    assert [r.rate for r in reports] == [0.05] * 10 + [0.05 / 10] * 5 + [0.05 / 100] * 5


def test_a_warm_up_by_error_ends_at_one_step_however_often_it_is_stopped(tmp_path):
    """As 110 layers have it: a low rate until 100 steps err less than 80 % in the mean."""
    recipe = structs.replace(TINY, steps=130, drops=(), warm_up="error", warm_up_lr=0.001)
    tiny = work(structs.replace(RUN, recipe=recipe), curve=Curve(0, 16))
    whole, said = ended(tiny, tmp_path / "whole")
    (found,) = [item for item in said if isinstance(item, Found)]
    assert found.event == "warm-up ended"
    assert 100 < found.step < 129
    rates = {item.step: item.rate for item in said if isinstance(item, Moment)}
    assert [rates[found.step], rates[found.step + 1]] == [0.001, 0.05]
    stops = (60, found.step - 1, found.step)
    broken, _ = ended(tiny, tmp_path / "broken", *stops)
    assert [session.step for session in broken.sessions()] == [0, *stops]
    assert log_of(broken) == log_of(whole)
    assert broken.weights.read_bytes() == whole.weights.read_bytes()


def test_data_are_known_by_content(tmp_path):
    pictures, told = gathered("digits", 1_000)
    assert told.held_out == 297
    assert (len(pictures.train), len(pictures.held_out), len(pictures.test)) == (1_000, 297, 500)
    again = as_declared("digits", told)
    assert again.train.pixels.tobytes() == pictures.train.pixels.tobytes()
    with pytest.raises(UserError, match="digest"):
        as_declared("synthetic", told)
    with pytest.raises(UserError, match=r"1,297 images: --split"):
        gathered("digits", 1_298)


def test_looking_costs_little_unless_it_is_asked_for():
    def curve(run, looks=None, test=False):
        return curve_of(run, SMALL, looks, test=test)

    short = structs.replace(RUN, recipe=structs.replace(CIFAR, steps=500))
    full = structs.replace(RUN, recipe=CIFAR)
    assert curve(full).every == 2_000
    assert curve(short, looks=5).every == 100
    assert curve(structs.replace(RUN, recipe=TINY)).every == 0
    assert curve(structs.replace(RUN, recipe=DIGITS), looks=0).every == 0
