"""The page in a real browser: a picture is given, bars are read, the network is looked into."""

import json

import pytest
from browser import CHROMIUM, browsing
from served import CLASSES, picture, saved, serving

import deepres

pytest.importorskip("fastapi")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return saved(folder, "resnet8"), saved(folder, "plain8")


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    folder = tmp_path_factory.mktemp("browser")
    with serving(*files, "--engine", "eager", cache=folder) as server, browsing(folder) as page:
        page.address = server.address
        yield page


@pytest.fixture
def opened(page):
    page.like(1280, 900, "light")
    page.events.clear()
    page.open(page.address)
    yield page
    assert page.complaints() == []  # nothing threw, nothing was forbidden


BARS = "[...document.querySelectorAll('.panel')[{}].querySelectorAll('.bars button')]"
NAMES = BARS + ".map(bar => bar.children[1].textContent)"
INSIDE = "[...document.querySelectorAll('.inside:not([hidden]) .walk table')].length === {}"


def expected(file, content):
    return [name for name, _ in deepres.load(file).predict(content)[0]]


def test_a_picture_that_is_picked_is_answered_by_both_networks(opened, files, tmp_path):
    (tmp_path / "mine.png").write_bytes(picture(3))
    opened.choose(tmp_path / "mine.png")
    opened.until(INSIDE.format(2))
    assert opened.run(NAMES.format(0)) == expected(files[0], picture(3))
    assert opened.run(NAMES.format(1)) == expected(files[1], picture(3))
    said = opened.run("document.querySelector('#said').textContent")
    assert "resnet8: " in said and "plain8: " in said  # what a screen reader says


DROP = """(() => {
  const file = new File([Uint8Array.from(%s)], "x.png", {type: "image/png"});
  const carried = new DataTransfer();
  carried.items.add(file);
  const event = new %s
  document.body.dispatchEvent(event);
})()"""
DRAGGED = 'DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true});'
PASTED = 'ClipboardEvent("paste", {clipboardData: carried, bubbles: true});'


@pytest.mark.parametrize("way", [DRAGGED, PASTED])
def test_one_that_is_dropped_or_pasted_is_answered(opened, files, way):
    opened.run(DROP % (json.dumps(list(picture(4))), way))
    opened.until(INSIDE.format(2))
    assert opened.run(NAMES.format(0)) == expected(files[0], picture(4))


def test_a_broken_file_is_refused_in_a_sentence_and_the_next_is_answered(opened, tmp_path):
    (tmp_path / "broken.png").write_bytes(picture()[:60])
    opened.choose(tmp_path / "broken.png")
    said = opened.until("document.querySelector('#problem').textContent")
    assert said.startswith("The picture is not a picture that can be read") and said.endswith(".")
    refused = [c for c in opened.complaints() if "422" in str(c)]
    opened.events = [e for e in opened.events if e.get("params") not in refused]
    opened.run("document.querySelector('#examples button').click()")
    opened.until(INSIDE.format(2))
    assert opened.run("document.querySelector('#problem').textContent") == ""


def test_the_network_is_switched(opened, files):
    opened.run("document.querySelector('#examples button').click()")
    opened.until(INSIDE.format(2))
    second = opened.run(NAMES.format(1))
    opened.run(
        "(() => { const s = document.querySelector('.networks'); s.value = 'plain8';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    opened.until(f"({NAMES.format(0)}).join() === '{','.join(second)}'")


def test_keys_alone_choose_an_example_a_class_and_a_block(opened):
    focused = "document.activeElement.closest('{}') !== null"

    def tab_to(selector):
        for _ in range(40):
            opened.press("Tab", 9)
            if opened.run(focused.format(selector)):
                return
        raise AssertionError(f"no way to {selector}")

    tab_to("#examples")
    opened.press("Enter", 13)
    opened.until(INSIDE.format(2))
    tab_to(".bars li:nth-child(2)")
    opened.press("Enter", 13)
    label = opened.run("document.querySelector('.seen canvas').getAttribute('aria-label')")
    name = opened.run(NAMES.format(0))[1]
    assert name in CLASSES and label.startswith(f"Evidence for {name}: most at the ")
    tab_to(".stages button:first-child")
    opened.press("Enter", 13)
    assert opened.run("document.querySelector('.which').textContent") == "Block 1 of 1, 32 x 32"
    unlabelled = "[...document.querySelectorAll('canvas, select, input')].filter(e =>"
    unlabelled += " !e.getAttribute('aria-label') && !e.labels?.length).length"
    assert opened.run(unlabelled) == 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_desktop_by_day_and_by_night(opened, width, scheme):
    opened.like(width, 900, scheme)
    opened.run("document.querySelector('#examples button').click()")
    opened.until(INSIDE.format(2))
    assert opened.run("document.documentElement.scrollWidth") <= width
    paper = opened.run("getComputedStyle(document.body).backgroundColor")
    bright = sum(int(n) for n in paper.strip("rgb()").split(",")) > 380
    assert bright == (scheme == "light")
