"""The paper's sentences that a run can check: where each is explained, declared and tested."""

from .item import COUNTS, MODELS, RESNET, STUDIES, UNIT, Item

HANGS = f"{UNIT}test_studies.py::test_a_study_hangs_together"
SPEAKS = f"{UNIT}test_studies.py::test_claims_speak_of_the_error_that_they_name"
PRINTED = "tests/unit/test_docs.py::test_claims_of_table_{}"
DRAWN = "tests/unit/test_docs_pictures.py::"


def _declared(sentence: str, where: str, page: str, studies: tuple[str, ...], *tests: str) -> Item:
    """A sentence that studies claim; the paper's own numbers bear it out where tests say so."""
    return Item(sentence, where, page, tuple(f"{STUDIES}{one}.py:STUDY" for one in studies), tests)


SENTENCES = (
    _declared(
        "The deeper plain net has higher training error.",
        "Fig. 1, Fig. 4",
        "introduction",
        ("figure1", "figure4"),
        SPEAKS,
        PRINTED.format(2),
    ),
    Item(
        "A deeper plain net at least as good exists.",
        "Sec. 1",
        "introduction",
        (f"{MODELS}deepen.py:deepened", f"{STUDIES}existence.py:STUDY"),
        (f"{UNIT}test_deepen.py::test_identity_layers_change_no_output",),
    ),
    Item(
        "It is not that gradients vanish.",
        "Sec. 4.1",
        "imagenet",
        ("src/deepres/gradients.py:gradient_norms", f"{STUDIES}figure1.py:STUDY"),
        (
            f"{UNIT}test_deepen.py::test_gradient_norms_are_those_of_the_loss",
            f"{DRAWN}test_gradients_do_not_vanish_at_the_start",
            f"{UNIT}test_studies.py::test_gradients_are_claimed_of_the_first_layer_against_the_last",
        ),
    ),
    _declared(
        "Three times the iterations do not mend it.",
        "a footnote of Sec. 4.1",
        "imagenet",
        ("figure4",),
        HANGS,
    ),
    _declared(
        "Residual-34 beats residual-18, in training too.",
        "Table 2, Fig. 4",
        "imagenet",
        ("table2", "figure4"),
        HANGS,
        PRINTED.format(2),
    ),
    _declared(
        "Residual-18 is about as accurate as plain-18, sooner.",
        "Table 2, Fig. 4",
        "imagenet",
        ("table2", "figure4"),
        HANGS,
        PRINTED.format(2),
    ),
    _declared(
        "B is slightly better than A, C marginally better than B.",
        "Table 3",
        "imagenet",
        ("table3",),
        HANGS,
        PRINTED.format(3),
    ),
    _declared(
        "Depth keeps helping to 152 layers.",
        "Tables 3 and 4",
        "imagenet",
        ("table3", "table4"),
        HANGS,
        PRINTED.format(3),
    ),
    Item(
        "152 layers cost less than VGG.",
        "Sec. 3.3",
        "architectures",
        (f"{MODELS}count.py:count",),
        COUNTS,
    ),
    Item(
        "Plain and residual have equal parameters with option A.",
        "Sec. 3.3, Sec. 4.2",
        "architectures",
        (f"{RESNET}:Zeros",),
        (f"{UNIT}test_resnet.py::test_parameters_of_section_4_2",),
    ),
    _declared("Plain-110 stays above 60 %.", "Fig. 6", "cifar", ("figure6",), HANGS),
    _declared(
        "Depth helps to 110 layers on CIFAR-10.",
        "Table 6",
        "cifar",
        ("table6",),
        HANGS,
        PRINTED.format(6),
    ),
    _declared(
        "1202 layers train as well as 110 and test worse.",
        "Table 6",
        "cifar",
        ("table6",),
        SPEAKS,
        PRINTED.format(6),
    ),
    Item(
        "Residual responses are smaller, and smaller the deeper.",
        "Fig. 7",
        "cifar",
        (f"{STUDIES}figure7.py:STUDY", "src/deepres/responses.py:deviations"),
        (HANGS, f"{DRAWN}test_figures_say_what_was_not_run"),
    ),
)
