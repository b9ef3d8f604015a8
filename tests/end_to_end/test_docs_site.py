"""The whole site, built as `make docs` builds it: without warnings, without dead links."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.made import items, links, pdf, prose

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages; the notebook in them is left as it is, another test runs it."""
    pytest.importorskip("sphinx", reason="needs the extra docs")
    pytest.importorskip("myst_nb", reason="needs the extra docs")
    pytest.importorskip("furo", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"DOCS_NOTEBOOK": "off", "OMP_NUM_THREADS": "1"}
    words = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(folder / "trees")]
    done = subprocess.run(
        [sys.executable, *words, str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, said",
    [
        ("It has 34 layers.", "a number that is not glued"),
        ("{paper}`TABLE_2/plain35` %", "no number that is known"),
        ("{ours}`parameters resnet21x`", "no number that is known"),
        ("{test}`tests/unit/test_spec.py::test_nothing`", "there is no test"),
        ("```{picture} nothing\n```", "there is no picture"),
        ("```{glued} nothing\n```", "there is no table"),
    ],
)
def test_a_page_that_breaks_a_rule_does_not_build(tmp_path, text, said):
    pytest.importorskip("myst_nb", reason="needs the extra docs")
    (tmp_path / "conf.py").write_text('extensions = ["myst_nb", "docs.made.site"]\n')
    (tmp_path / "index.md").write_text(f"# A page\n\n{text}\n")
    words = ["-m", "sphinx", "-q", "-W", "-b", "html", str(tmp_path), str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.slow
def test_no_link_within_leads_nowhere(site):
    assert links.broken(site) == []


@pytest.mark.slow
def test_every_page_is_there_with_pictures_excerpts_and_search(site):
    for page in prose.pages(ROOT / "docs"):
        made = site / page.relative_to(ROOT / "docs").with_suffix(".html")
        assert made.exists()
    assert (site / "search.html").exists()
    block = (site / "companion" / "residual-learning.html").read_text()
    assert "<svg" in block
    assert 'class="nc">Basic' in block or "Basic" in re.sub("<[^>]+>", "", block)
    index = (site / "companion" / "items.html").read_text()
    assert all(item.name in index.replace("&#x27;", "'") for item in items.ITEMS)


@pytest.mark.slow
def test_the_whole_is_one_page_for_paper(site):
    text = pdf.joined(site)
    assert text.count("<article>") == len(pdf.order(site))
    built = {p.relative_to(site).with_suffix("").as_posix() for p in site.rglob("*.html")}
    own = built - {"index", "genindex", "search", "whole"}
    assert sorted(pdf.order(site)) == sorted(n for n in own if not n.startswith("_"))


@pytest.mark.slow
def test_it_prints(site, tmp_path):
    if pdf.browser() is None:
        pytest.skip("needs Chromium, which is not installed")
    assert pdf.written(site, tmp_path / "whole.pdf")
    assert (tmp_path / "whole.pdf").read_bytes()[:5] == b"%PDF-"
    assert (tmp_path / "whole.pdf").stat().st_size > 200_000


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"></p><a href="b.html#there">x</a><a href="#here">'
    )
    (tmp_path / "b.html").write_text('<a href="c.html">x</a><a href="https://example.org/">')
    assert links.broken(tmp_path) == [
        "a.html: b.html#there has no such anchor",
        "b.html: c.html is not there",
    ]
    assert links.outside(tmp_path) == ["https://example.org/"]


def notebook():
    return json.loads((ROOT / "notebooks" / "cifar10.ipynb").read_text())


def test_the_notebook_is_stored_without_outputs():
    for cell in notebook()["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_the_notebook_runs_at_smoke_scale(tmp_path):
    pytest.importorskip("nbclient", reason="needs the extra docs")
    pytest.importorskip("matplotlib", reason="needs the extra report")
    script = (
        "import sys, nbformat\n"
        "from nbclient import NotebookClient\n"
        "made = nbformat.read(sys.argv[1], 4)\n"
        "where = {'metadata': {'path': sys.argv[2]}}\n"
        "NotebookClient(made, timeout=280, resources=where).execute()\n"
        "nbformat.write(made, sys.argv[3])\n"
    )
    paths = [ROOT / "notebooks" / "cifar10.ipynb", ROOT / "notebooks", tmp_path / "run.ipynb"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DEEPRES_NOTEBOOK_SCALE": "smoke"}
    environment.pop("DEEPRES_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, paths)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "run.ipynb").read_text())
    printed = "".join(
        "".join(output.get("text", ""))
        for cell in told["cells"]
        for output in cell.get("outputs", [])
    )
    assert "269,722 parameters" in printed
    shallow, deep = re.findall(r"plain(?:20|56 made of it): +([\d.]+ % \(\d+/\d+\))", printed)
    assert shallow == deep
