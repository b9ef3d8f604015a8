"""Pages: one file each, nothing fetched, every number from the run's own files."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from deepres.data.synthetic import images as synthetic
from deepres.errors import UserError
from deepres.models.zoo import arch
from deepres.report.chart import Axes, Series, chart, decades, short, ticks
from deepres.report.run import run_page, time
from deepres.runs.folder import Folder, write
from deepres.runs.pictures import Pictures
from deepres.runs.running import carried_out
from deepres.runs.work import Curve, Work, network_of
from deepres.spec import Data, Plan, Recipe, Run

RECIPE = Recipe(batch=8, steps=20, lr=0.05, drops=(10, 15), scaled_from=Recipe())
RUN = Run(name="<tiny> & run", arch=arch("plain8", 10), data=Data(name="synthetic"), recipe=RECIPE)
SMALL = Pictures(synthetic("train", 64, 8), synthetic("train", 16, 8, 1), synthetic("test", 32, 8))


class Reader(HTMLParser):
    """Tags that are open, all addresses, and the text."""

    VOID = ("meta", "img", "br", "circle", "path", "rect")

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.text, self.tags = [], [], "", []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data")]

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("run"))
    folder.take()
    work = Work(RUN, Plan(), SMALL, Curve(5, 16, test=True))
    for _ in carried_out(work, network_of(RUN, SMALL.train), folder):
        pass
    folder.leave()
    return folder


def test_the_page_of_a_run_stands_alone_and_tells_its_numbers(trained):
    page = run_page(trained)
    seen = read(page)
    assert all(address.startswith("data:image/png;base64,") for address in seen.addresses)
    assert "script" not in seen.tags
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    result = trained.finished()
    assert f"{result.test.top1_error:.2f} %" in seen.text
    assert f"{result.test_running.top1_error:.2f} %" in seen.text
    assert "<tiny> & run" in seen.text
    assert "A short form of 64,000 steps" in seen.text
    assert "(Sec. 4.2: 128)" in seen.text
    assert "rate / 10" in seen.text
    assert seen.tags.count("img") == len(result.mistakes)
    numbers = re.search(r'class="matrix">(.*?)</table>', page, re.S)[1]
    cells = [int(n) for n in re.findall(r'">(\d+)</td>', numbers)]
    assert sum(cells) == result.test.seen
    assert page == run_page(trained)


def test_a_run_that_is_under_way_has_a_page(trained, tmp_path):
    folder = Folder(tmp_path)
    write(folder.run, RUN)
    with pytest.raises(UserError, match=r"no log\.jsonl"):
        run_page(folder)
    lines = trained.log.read_bytes().splitlines(keepends=True)
    folder.log.write_bytes(b"".join(lines[:9]) + b'{"kind":"rep')
    assert "Under way: step" in read(run_page(folder)).text


def test_many_classes_make_a_list_of_what_is_confused(trained, tmp_path):
    folder = Folder(tmp_path)
    for name in ("run", "log"):
        getattr(folder, name).write_bytes(getattr(trained, name).read_bytes())
    count = 100
    rows = [[0] * count for _ in range(count)]
    rows[3][7], rows[5][5] = 9, 40
    many = structs.replace(
        trained.finished(),
        classes=tuple(f"class {n}" for n in range(count)),
        confusion=tuple(map(tuple, rows)),
    )
    write(folder.result, many)
    text = read(run_page(folder)).text
    assert "class 3 taken for class 7" in text
    assert "class 5 taken" not in text


def test_a_chart_puts_every_point_where_it_belongs():
    axes = Axes("step", "error", 100, 0, 50)
    drawn = chart("Errors <1>", axes, [Series("a & b", [(0, 0), (50, 25), (100, 50)], "thin", 1)])
    path = re.search(r'<path d="M([^"H]*L[^"]*)"', drawn)[1]
    (x0, y0), (x1, y1), (x2, y2) = (map(float, p.split()) for p in path.split("L"))
    assert (x1, y1) == pytest.approx(((x0 + x2) / 2, (y0 + y2) / 2))
    assert x0 < x2 and y0 > y2
    assert "Errors &lt;1&gt;" in drawn
    assert "a &amp; b" in drawn
    read(drawn)


@given(low=st.floats(0, 1e6), length=st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_within(low, length):
    made = ticks(low, low + length)
    assert 2 <= len(made) <= 12
    assert all(low - 1e-6 * length <= t <= low + length * (1 + 1e-6) for t in made)


@given(low=st.floats(1e-8, 1e3), factor=st.floats(2.1, 1e9))
def test_decades_are_within(low, factor):
    made = decades(low, low * factor)
    assert made
    assert all(low * 0.999 <= value <= low * factor * 1.001 for value in made)


def test_numbers_as_people_write_them():
    assert [short(v) for v in (0, 0.05, 2.5, 64_000, 1_500)] == ["0", "0.05", "2.5", "64k", "1.5k"]
    assert [time(s) for s in (59.4, 60, 123, 7_380)] == [
        "59 s",
        "1 min 0 s",
        "2 min 3 s",
        "2 h 3 min",
    ]
