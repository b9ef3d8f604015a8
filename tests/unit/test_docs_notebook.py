"""The notebook's cells that install, and those that show results: in a clone and outside of one."""

import importlib.util
import json
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CELLS = {
    cell["id"]: "".join(cell["source"])
    for cell in json.loads((ROOT / "notebooks" / "cifar10.ipynb").read_text())["cells"]
}
INSTALL, FIGURE, TABLE = CELLS["cell-01"], CELLS["cell-19"], CELLS["cell-21"]


def run(cell, names=None):
    """Runs a cell of our own notebook."""
    exec(cell, {} if names is None else names)  # noqa: S102


@pytest.fixture
def installed(monkeypatch):
    """What pip was asked for, where deepres cannot be imported."""
    asked = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda words, check: asked.append(words[-1]))
    return asked


def test_outside_of_a_clone_it_says_what_to_set(tmp_path, monkeypatch, installed):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="Set ADDRESS, in this cell, to where the program is"):
        run(INSTALL)
    assert installed == []


def test_outside_of_a_clone_the_address_is_installed(tmp_path, monkeypatch, installed):
    monkeypatch.chdir(tmp_path)
    run(INSTALL.replace('ADDRESS = ""', 'ADDRESS = "git+https://example.org/it"'))
    assert installed == ["deepres[parquet,report] @ git+https://example.org/it"]


def test_in_a_clone_that_is_installed(monkeypatch, installed):
    monkeypatch.chdir(ROOT / "notebooks")
    run(INSTALL)
    assert installed == [f"deepres[parquet,report] @ {ROOT.as_uri()}"]


def test_a_folder_of_somebody_elses_is_no_clone(tmp_path, monkeypatch, installed):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError):
        run(INSTALL)


def test_what_is_installed_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", None)
    run(INSTALL)


@pytest.fixture
def shown(capsys):
    """The two cells with results, run; what they print, their names, and the figure."""
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra report")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from deepres import paper
    from deepres.spec import CIFAR

    def cells(clone):
        names = {"CLONE": clone, "plt": plt, "paper": paper, "CIFAR": CIFAR}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(FIGURE, names)
            run(TABLE, names)
            if "figure" in names:
                names["figure"].canvas.draw()
        plt.close("all")
        return capsys.readouterr().out, names

    return cells


def test_an_installed_package_has_no_results(shown):
    printed, _ = shown(None)
    assert "no results folder here" in printed
    assert "not run yet" not in printed


def test_a_clone_without_runs_says_so(tmp_path, shown):
    (tmp_path / "results").mkdir()
    printed, _ = shown(tmp_path)
    assert "not run yet; the command is: deepres run figure6" in printed
    assert "no results folder" not in printed


def clone_with(tmp_path, name):
    """A clone with those of the committed short runs whose name begins so."""
    (tmp_path / "results").mkdir()
    lines = (ROOT / "results" / "cifar10.jsonl").read_text().splitlines(keepends=True)
    kept = [one for one in lines if '"steps":6400' in one and f'"name":"{name}' in one]
    (tmp_path / "results" / "some.jsonl").write_text(kept[0])
    return tmp_path


def test_a_kind_that_was_not_run_says_so_in_its_panel(tmp_path, shown):
    _, names = shown(clone_with(tmp_path, "plain56-"))
    plain, residual, deepest = names["axes"]
    assert plain.get_ylim()[1] > 60, "plain-56 ends above 55 %"
    assert "not run yet: 20, 32, 44 layers" in plain.get_xlabel()
    assert [text.get_text() for text in plain.get_legend().get_texts()] == ["plain-56"]
    for empty in (residual, deepest):
        assert [text.get_text() for text in empty.texts] == ["not run yet"]
        assert empty.get_legend() is None
    for axis in names["axes"]:
        assert axis.get_xlabel()
    assert plain.get_ylabel() == "error, %"


def test_curves_end_at_the_final_error_and_a_single_test_is_a_dot(tmp_path, shown):
    _, names = shown(clone_with(tmp_path, "resnet20-"))
    (line,) = [one for one in names["axes"][1].lines if one.get_label() == "residual-20"]
    assert line.get_marker() == "o"
    assert line.get_ydata()[-1] == pytest.approx(13.54)


def test_short_runs_stand_apart_and_110_layers_by_their_mean(tmp_path, shown):
    printed, _ = shown(clone_with(tmp_path, "resnet20-"))
    table, _, short = printed.partition("ours, a tenth of the steps")
    assert "13.54" in short
    assert "13.54" not in table
    (row,) = [one for one in table.splitlines() if one.strip().startswith("110")]
    assert "6.61 ± 0.16" in row
    assert "6.43" not in row
