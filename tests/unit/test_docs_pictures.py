"""Pictures say what the networks say: each shape and number is held against the network itself."""

import re

import pytest
import torch
from docs.made.pictures import PICTURES, beside, blocks, measured, networks, ours, traced
from docs.made.pictures.canvas import Canvas

from deepres import paper
from deepres.models.initialise import created
from deepres.models.zoo import TABLE_1, arch


def texts(picture):
    """The words within a drawing."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_words_for_who_cannot_see_it_and_no_colour_of_its_own(name):
    made = PICTURES[name]()
    assert len(made.alt) > 40
    assert not re.search(
        r"#[0-9a-fA-F]{3,6}\b(?!\))",
        re.sub(r'url\(#[\w-]+\)|id="[^"]*"|base64,[^"]*', "", made.svg),
    )
    assert not re.search(r'"[^"]*\bnan\b', re.sub('base64,[^"]*', "", made.svg))


def test_a_block_is_drawn_from_what_runs():
    words = texts(blocks.residual_block())
    order = ["3x3 convolution, 16", "batch normalisation", "ReLU"]
    order += ["3x3 convolution, 16", "batch normalisation", "+", "ReLU"]
    assert [word for word in words if word in order] == order


def test_the_trace_has_every_layer_and_every_product():
    for depth in TABLE_1:
        name = f"resnet{depth}"
        assert len(traced.layers(name)) == depth
    network = created(arch("resnet20"))
    kernels = [tuple(m.weight.shape) for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    seen = [(o.channels, o.kernel) for o in traced.operations("resnet20") if o.what == "conv"]
    assert seen == [(k[0], k[2]) for k in kernels]


def test_a_bottleneck_costs_what_a_basic_block_does():
    words = texts(blocks.bottleneck())
    assert "73,728 weights" in words  # two 3x3 from 64 to 64
    assert "69,632 weights" in words  # 256 x 64 + 9 x 64 x 64 + 64 x 256
    assert "231e6 multiply-adds" in words
    assert "218e6 multiply-adds" in words


def test_the_stride_of_a_bottleneck_is_where_its_name_says():
    words = texts(blocks.stride_of_bottleneck())
    assert words.index("1x1, 128") < words.index("stride 2: to 28x28")
    assert words.count("stride 2: to 28x28") == 2
    first, second = (
        [o.stride for o in traced.block(name, 3) if o.what == "conv" and not o.shortcut]
        for name in ("resnet50", "resnet50-v1.5")
    )
    assert (first, second) == ([2, 1, 1], [1, 2, 1])


def test_options_are_told_by_values():
    assert blocks.shown_channels("resnet56") == ["x"] * 16 + ["zero"] * 16
    both = ["zero"] * 8 + ["x"] * 16 + ["zero"] * 8
    assert blocks.shown_channels("resnet56-a-both") == both
    assert blocks.shown_channels("resnet56-b") == ["mixed"] * 32
    assert [sum(blocks.projections(f"resnet34-{o}")) for o in "abc"] == [0, 3, 16]


@pytest.mark.parametrize(
    "option, parameters", [("-b", 855_770 - 853_018), ("-c", 900_858 - 853_018)]
)
def test_what_an_option_costs(option, parameters):
    assert blocks.extra_parameters(f"resnet56{option}") == parameters


def test_arcs_go_around_two_layers_each():
    arcs = networks.arcs("resnet34-a")
    assert len(arcs) == 16
    assert all(end - start == 2 for start, end, _ in arcs)
    assert [at for at, (_, _, grows) in enumerate(arcs) if grows] == [3, 7, 13]
    assert networks.arcs("plain34") == []


def test_the_shapes_are_table_1s():
    words = texts(networks.shapes())
    edges = [re.search(r"\d+x\d+", word)[0] for word in words if "conv" in word]
    assert edges == ["112x112", "56x56", "28x28", "14x14", "7x7"]
    assert [w for w in words if w.isdigit()] == ["64", "64", "128", "256", "512"]


def test_the_added_layers_are_the_identities_and_nothing_moves():
    added, apart = networks.construction()
    assert sum(added) == 56 - 20
    assert len(added) == 56
    assert apart < 1e-5


def test_gradients_do_not_vanish_at_the_start():
    for name in ("plain20", "plain56", "resnet56"):
        found = measured.norms(name)
        assert min(found) > 0.01 * found[-1]


def test_the_two_forms_of_momentum_agree_until_the_drop():
    caffe, torchs = (dict(measured.moves(form)) for form in ("caffe", "torch"))
    assert all(abs(caffe[s] - torchs[s]) < 1e-6 for s in range(60))
    assert torchs[61] < 0.2 * caffe[59] < 0.9 * caffe[61]


def test_population_statistics_are_the_mean_of_all_batches():
    batches, moving, true = measured.statistics_seen()
    assert abs(sum(batches) / len(batches) - true) < 1e-4 * abs(true)
    assert abs(moving[0] - 0.1 * batches[0]) < 1e-4  # it starts at zero


def test_five_crops_lie_within_and_cover_the_corners():
    assert set(measured.crops()) == {(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)}


def test_the_scales_are_the_papers():
    words = texts(measured.scales())
    assert [int(word) for word in words if word.isdigit()] == list(paper.TEST_SCALES)


def test_figures_say_what_was_not_run(monkeypatch):
    monkeypatch.setattr(ours, "as_the_paper", dict)
    for figure in (ours.figure_1, ours.figure_6, ours.figure_7):
        made = figure()
        assert "not run yet" in made.svg
        assert "not run yet" in made.alt
        assert "deepres run" in made.svg


def test_words_are_escaped():
    canvas = Canvas(10)
    canvas.text(0, 0, "a < b & c")
    assert "a &lt; b &amp; c" in canvas.done('say "x" & <y>').svg
    assert "<y>" not in canvas.done('say "x" & <y>').svg


def test_costs_are_those_of_the_networks_and_of_the_paper():
    said = re.findall(r"<title>([^<]*)</title>", beside.costs().svg)
    theirs = [f"VGG-{n}: {value / 1e9:.1f}" for n, value in paper.VGG_MULTIPLY_ADDS.items()]
    assert [words.partition(",")[0] for words in said if "VGG" in words] == theirs
    ours = [float(words.partition(": ")[2]) for words in said if "ResNet" in words]
    # Table 1 prints 1.8 and 3.6 of plain networks, 3.8 cut off, 7.6 and 11.3
    assert ours == pytest.approx([1.8, 3.6, 3.8, 7.6, 11.3], abs=0.1)


def test_what_a_highway_hands_on_is_what_such_blocks_do():
    keeps, x = 0.8, torch.ones(1, dtype=torch.float64)
    told = beside.handed_on(keeps, 54)
    for count in range(55):
        assert told[count] == pytest.approx((count, float(x)))
        silent = torch.zeros_like(x)
        x = (1 - keeps) * silent + keeps * x
