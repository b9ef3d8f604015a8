"""The paper's sentences that a run can check: where each is explained, declared and tested."""

from .item import COUNTS, MODELS, RESNET, STUDIES, UNIT, Item

HANGS = f"{UNIT}test_studies.py::test_a_study_hangs_together"
SPEAKS = f"{UNIT}test_studies.py::test_claims_speak_of_the_error_that_they_name"
PRINTED = "tests/unit/test_docs.py::test_claims_of_table_{}"
SENTENCES = (
    Item(
        "The deeper plain net has higher training error.",
        "Fig. 1, Fig. 4",
        "introduction",
        (f"{STUDIES}figure1.py:STUDY", f"{STUDIES}figure4.py:STUDY"),
        (SPEAKS, PRINTED.format(2)),
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
        ("src/deepres/gradients.py:gradient_norms",),
        (
            f"{UNIT}test_deepen.py::test_gradient_norms_are_those_of_the_loss",
            "tests/unit/test_docs_pictures.py::test_gradients_do_not_vanish_at_the_start",
        ),
    ),
    Item(
        "Three times the iterations do not mend it.",
        "a footnote of Sec. 4.1",
        "imagenet",
        reason="A footnote without numbers: no study declares it. deepres train plain34 with"
        " three times the recipe's steps would run it.",
    ),
    Item(
        "Residual-34 beats residual-18, in training too.",
        "Table 2, Fig. 4",
        "imagenet",
        (f"{STUDIES}table2.py:STUDY", f"{STUDIES}figure4.py:STUDY"),
        (HANGS, PRINTED.format(2)),
    ),
    Item(
        "Residual-18 is about as accurate as plain-18, sooner.",
        "Table 2, Fig. 4",
        "imagenet",
        (f"{STUDIES}table2.py:STUDY", f"{STUDIES}figure4.py:STUDY"),
        (HANGS, PRINTED.format(2)),
    ),
    Item(
        "B is slightly better than A, C marginally better than B.",
        "Table 3",
        "imagenet",
        (f"{STUDIES}table3.py:STUDY",),
        (HANGS, PRINTED.format(3)),
    ),
    Item(
        "Depth keeps helping to 152 layers.",
        "Tables 3 and 4",
        "imagenet",
        (f"{STUDIES}table3.py:STUDY", f"{STUDIES}table4.py:STUDY"),
        (HANGS, PRINTED.format(3)),
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
    Item(
        "Plain-110 stays above 60 %.",
        "Fig. 6",
        "cifar",
        (f"{STUDIES}figure6.py:STUDY",),
        (HANGS,),
    ),
    Item(
        "Depth helps to 110 layers on CIFAR-10.",
        "Table 6",
        "cifar",
        (f"{STUDIES}table6.py:STUDY",),
        (HANGS, PRINTED.format(6)),
    ),
    Item(
        "1202 layers train as well as 110 and test worse.",
        "Table 6",
        "cifar",
        (f"{STUDIES}table6.py:STUDY",),
        (HANGS, PRINTED.format(6)),
    ),
    Item(
        "Residual responses are smaller, and smaller the deeper.",
        "Fig. 7",
        "cifar",
        (f"{STUDIES}figure7.py:STUDY", "src/deepres/responses.py:deviations"),
        (HANGS, "tests/unit/test_docs_pictures.py::test_figures_say_what_was_not_run"),
    ),
)
