"""The package as people install it: a wheel in an environment of its own."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel):
    """A new environment that holds our wheel; its dependencies are borrowed from this one.

    A `.pth` file adds the folder of packages but not what editable installs put beside it.
    """
    venv.create(wheel.parent / "env", with_pip=False)
    python = wheel.parent / "env" / "bin" / "python"
    code = "import site; print(site.getsitepackages()[0])"
    site = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", site.strip(), wheel]
    subprocess.run(install, check=True, capture_output=True)
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    (Path(site.strip()) / "borrowed.pth").write_text(packages + "\n")
    return python


def ran(python, *words):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DEEPRES_DATA")}
    return subprocess.run(
        [python, "-m", "deepres", *words],
        capture_output=True,
        text=True,
        cwd=python.parent,
        env=environment,
        timeout=100,
    )


def test_commands_run_from_the_wheel(installed):
    where = subprocess.run(
        [installed, "-c", "import deepres; print(deepres.__file__)"],
        capture_output=True,
        text=True,
        cwd=installed.parent,
    ).stdout
    assert str(installed.parents[1]) in where
    counted = json.loads(ran(installed, "count", "resnet20", "--json").stdout)
    assert counted["parameters"] == 269_722
    assert "resnet1202" in json.loads(ran(installed, "list", "--json").stdout)["networks"]


def test_data_files_are_in_the_wheel(installed):
    checked = ran(installed, "data", "check", "digits", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["images"] == 1797


@pytest.mark.slow
def test_an_empty_environment_gets_all_it_needs(wheel):
    """The wheel with its dependencies from the index, then the command it installs."""
    venv.create(wheel.parent / "empty", with_pip=True)
    commands = wheel.parent / "empty" / "bin"
    pip = [commands / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-c", ROOT / "constraints.txt", f"{wheel}[parquet]"], check=True)
    counted = subprocess.run(
        [commands / "deepres", "count", "resnet56", "--json"],
        check=True,
        capture_output=True,
        text=True,
        cwd=wheel.parent,
    )
    assert json.loads(counted.stdout)["parameters"] == 853_018
