"""Networks by name: the zoo's, and the user's own with every way to be at fault."""

import pytest
import torch
from torch import nn

from deepres.errors import UserError
from deepres.models.named import is_own, named

SOURCE = """
import torch
from torch import nn
print("noise")
class Net(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.fc = nn.Linear(3, num_classes)
class Needy(nn.Module):
    def __init__(self, block, depth, *, classes=3):
        super().__init__()
def fixed():
    return nn.Linear(2, 4)
def anything(**options):
    return Net(**options)
def broken():
    return [1][3]
def text():
    return "network"
def leaves():
    raise SystemExit(3)
class Outer:
    class Inner(Net):
        pass
ready = nn.Linear(5, 6)
number = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "mynet.py").write_text(SOURCE)
    (tmp_path / "parsing.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--lr', default=0.1)\nargs = parser.parse_args()\n"
        "from torch import nn\nnet = lambda: nn.Linear(2, 2)\n"
    )
    (tmp_path / "lacking.py").write_text("import no_such_thing\n")
    (tmp_path / "wrong.py").write_text("x = = 1\n")
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inside.py").write_text("from .other import Net\n")
    (package / "other.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("mynet", "parsing", "lacking", "wrong", "pack", "pack.inside", "pack.other"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    return tmp_path


def test_names_of_the_zoo_make_the_papers_networks():
    assert sum(p.numel() for p in named("resnet20").parameters()) == 269_722
    assert named("resnet50", classes=37, device="meta").fc.out_features == 37
    assert named("resnet20", device="meta").fc.weight.is_meta
    assert not is_own("resnet20") and is_own("mynet:Net")


@pytest.mark.parametrize(
    "name", ["mynet:Net", "mynet.py:Net", "pack.inside:Net", "mynet:Outer.Inner", "mynet:anything"]
)
def test_the_users_own_is_called_without_arguments(name, capsys):
    assert named(name).fc.out_features == 10
    assert capsys.readouterr().out == ""  # what it prints would spoil --json


def test_a_path_from_elsewhere(here, monkeypatch):
    monkeypatch.chdir("/")
    assert named(f"{here}/mynet.py:fixed").out_features == 4
    assert named(f"{here}/pack/other.py:ready").out_features == 6


def test_classes_go_to_those_who_take_them():
    assert named("mynet:Net", classes=7).fc.out_features == 7
    assert named("mynet:anything", classes=7).fc.out_features == 7
    assert named("mynet:fixed", classes=7).out_features == 4
    assert named("mynet:ready") is named("mynet:ready")


def test_a_script_that_parses_arguments_sees_none_of_ours(monkeypatch):
    monkeypatch.setattr("sys.argv", ["deepres", "check", "parsing:net", "--against", "resnet20"])
    assert isinstance(named("parsing:net"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mynet:", "write package.module:callable or path/to/file.py:callable"),
        ("nowhere:Net", "there is no module nowhere in"),
        ("pack.nowhere:Net", "there is no module pack.nowhere in"),
        ("nowhere.py:Net", "there is no file nowhere.py"),
        ("mynet:Missing", "mynet has no Missing; it defines Needy, Net, Outer, anything, broken"),
        ("mynet:number", "number is of type int; name a class or a function"),
        ("mynet:text", "text() gave str, not an nn.Module"),
        ("mynet:Needy", "Needy needs block, depth: name a function without arguments"),
        ("mynet:broken", "broken() raised IndexError: list index out of range ("),
        ("mynet:leaves", "leaves() raised SystemExit: 3"),
        ("lacking:Net", "importing lacking raised ModuleNotFoundError: No module named"),
        ("wrong:Net", "importing wrong raised SyntaxError: invalid syntax"),
        ("wrong.py:Net", "running wrong.py raised SyntaxError"),
    ],
)
def test_each_fault_is_one_sentence(name, words):
    with pytest.raises(UserError) as refusal:
        named(name)
    message = str(refusal.value)
    assert words in message
    assert "\n" not in message and message.endswith(".")


def test_the_line_of_the_users_code_is_named(here):
    line = SOURCE.splitlines().index("    return [1][3]") + 1
    with pytest.raises(UserError, match=rf"mynet\.py, line {line}\)"):
        named("mynet:broken")


def test_numbers_of_a_zoo_network_are_drawn_alike_everywhere():
    torch.manual_seed(1)
    first = named("resnet20").conv1.weight
    torch.manual_seed(2)
    assert torch.equal(first, named("resnet20").conv1.weight)
