"""The command line as scripts see it: JSON, exit status, nothing else on standard output."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest


def deepres(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "deepres", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=100,
        **options,
    )


def answer(*words):
    done = deepres(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(*words, **options):
    done = deepres(*words, **options)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_list_names_every_network_and_imports_no_torch():
    names = answer("list")["networks"]
    assert {"plain20", "plain110", "resnet20", "resnet1202", "plain34", "resnet152"} <= set(names)
    assert {"studies", "weights"} <= answer("list").keys()
    code = "import sys; sys.argv = ['deepres', 'list']\n" + (
        "try:\n    from deepres.cli import main; main()\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'PIL'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"


def test_count_prints_the_contract():
    found = answer("count", "resnet56")
    assert found["network"] == "resnet56"
    assert found["layers"] == 56
    assert found["parameters"] == 853_018
    assert found["multiply_adds"] == 125_485_696
    bigger = answer("count", "resnet20", "--classes", "100", "--size", "64")
    assert bigger["parameters"] == 269_722 + 90 * 65
    assert bigger["multiply_adds"] == 4 * (40_551_040 - 640) + 6400


def test_show_prints_table_1():
    printed = deepres("show", "resnet34").stdout
    for row in (
        "conv1       112x112",
        "3x3, 256 ] x 6",
        "conv5_x     7x7",
        "1000-d fc",
        "option B",
    ):
        assert row in printed


def test_version_and_help():
    import deepres as package

    assert deepres("--version").stdout.strip() == package.__version__
    for command in ("list", "count", "show", "check", "evaluate", "convert"):
        assert f"Example: deepres {command}" in deepres(command, "--help").stdout
    assert "evaluate" in deepres().stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["count", "resnt20"], "Did you mean resnet20"),
        (["show", "resnet21"], "nearest are 20 and 26"),
        (["count", "nowhere:Net"], "no module nowhere"),
        (["evaluate", "absent.pt", "--data", "synthetic"], "absent.pt"),
    ],
)
def test_the_users_mistake_is_one_sentence(words, sentence):
    said = refusal(*words)
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_an_unknown_command_or_option_exits_with_2():
    assert "No such command" in refusal("cuont")
    assert "--jsn" in refusal("list", "--jsn")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.skipif(os.name != "posix", reason="signals as on Unix")
def test_being_told_to_stop(sent, status, tmp_path):
    (tmp_path / "slow.py").write_text("import time\nprint('here')\ntime.sleep(60)\n")
    running = subprocess.Popen(
        [sys.executable, "-m", "deepres", "count", "slow:Net"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # a shell's background jobs ignore Ctrl-C, and so would what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stderr.readline() == "here\n"
    time.sleep(0.05)
    running.send_signal(sent)
    out, err = running.communicate(timeout=20)
    assert running.returncode == status
    assert out == ""
    assert "Traceback" not in err
