"""The commands of the how-tos, run as they stand: what they print is what the pages say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
FILE = re.compile(r"```\{code-block\} python\n:caption: (\S+)\n\n(.*?)\n```", re.S)
CONSOLE = re.compile(r"```console\n(.*?)```", re.S)


def sessions(page):
    """Each console block as pairs of a command and what the page says that it prints."""
    for block in CONSOLE.findall((HOW_TO / page).read_text()):
        yield [
            (command, said.splitlines())
            for command, said in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.M)
        ]


def matched(said, printed):
    """Whether the lines appear in their order; `...` stands for any lines, or the rest of one."""
    lines, at = printed.splitlines(), 0
    loose = False
    for line in said:
        if line.strip() == "...":
            loose = True
            continue
        pattern = re.escape(line).replace(re.escape("..."), ".*")
        found = next(
            (n for n in range(at, len(lines)) if re.fullmatch(pattern, lines[n].rstrip())), None
        )
        if found is None or (not loose and found != at):
            return False
        at, loose = found + 1, False
    return loose or not said or at == len(lines)


def test_matching_is_strict_but_for_dots():
    assert matched(["a", "...", "d"], "a\nb\nc\nd\n")
    assert matched(["top-1 error ...", "..."], "top-1 error 3 %\nmore\n")
    assert not matched(["a", "d"], "a\nb\nd\n")
    assert not matched(["a"], "a\nb\n")
    assert not matched(["b"], "a\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the exercises that the teachers' page prints."""
    folder = tmp_path_factory.mktemp("desk")
    files = FILE.findall((HOW_TO / "teachers.md").read_text())
    assert [name for name, _ in files] == ["ada.py", "ben.py"]
    for name, text in files:
        (folder / name).write_text(text + "\n")
    return folder


def held(folder, session):
    for command, said in session:
        status = 0
        if said and (exit_said := re.fullmatch(r"exit status (\d)", said[-1])):
            status, said = int(exit_said[1]), said[:-1]
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(HOW_TO.parents[1]),
        }
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env=environment
        )
        assert done.returncode == status, (command, done.stderr)
        assert matched(said, done.stdout), (command, said, done.stdout)


EVERY = [
    (page.name, n, s)
    for page in sorted(HOW_TO.glob("*.md"))
    for n, s in enumerate(sessions(page.name))
]


@pytest.mark.slow
@pytest.mark.parametrize("page, number, session", EVERY, ids=[f"{p}-{n}" for p, n, _ in EVERY])
def test_a_page_does_what_it_says(desk, page, number, session):
    held(desk, session)


def test_the_first_exercise_is_right(desk):
    """The quickest of them, in the default suite."""
    first = next(iter(sessions("teachers.md")))
    assert first[0][0].startswith("deepres check ada.py")
    held(desk, first)


def test_what_pages_name_is_there():
    """Files and folders in code style that a how-to names."""
    root = HOW_TO.parents[1]
    for page in HOW_TO.glob("add-*.md"):
        for name in re.findall(r"`((?:src|docs|tests|bench|results)/[\w/.-]+)`", page.read_text()):
            assert (root / name).exists(), (page.name, name)
