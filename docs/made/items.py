"""Every item of the paper: the page that explains it, the code that is it, the test that checks it.

An item without code says why. The index page is made from here.
"""

from .item import COUNTS, DATA, MODELS, RESNET, SPEC, STUDIES, UNIT, Item
from .sentences import SENTENCES

NOT_RERUN = (
    "Detectors are another program: the paper's numbers are shown, marked as not rerun here."
)
SECTIONS = (
    Item(
        "Abstract",
        "what was done, in a paragraph",
        "abstract",
        (f"{MODELS}zoo.py:arch",),
        (f"{UNIT}test_count.py::test_layers_are_those_of_the_name",),
    ),
    Item(
        "Sec. 1",
        "degradation, and the idea",
        "introduction",
        (f"{MODELS}deepen.py:deepened",),
        (f"{UNIT}test_deepen.py::test_identity_layers_change_no_output",),
    ),
    Item(
        "Sec. 2",
        "related work",
        "related-work",
        (f"{RESNET}:Basic.forward",),
        (f"{UNIT}test_docs_related.py::test_a_shortcut_is_open_whatever_the_layers_do",),
    ),
    Item(
        "Sec. 3",
        "deep residual learning",
        "residual-learning",
        (f"{RESNET}:ResNet",),
        (f"{UNIT}test_resnet.py::test_forward_equals_numpy",),
    ),
    Item(
        "Sec. 3.1",
        "residual learning",
        "residual-learning",
        (f"{RESNET}:Basic", f"{MODELS}deepen.py:become_identity"),
        (f"{UNIT}test_deepen.py::test_identity_layers_change_no_output",),
    ),
    Item(
        "Sec. 3.2",
        "identity mapping by shortcuts",
        "identity-shortcuts",
        (f"{RESNET}:shortcut", f"{RESNET}:Zeros"),
        (f"{UNIT}test_resnet.py::test_forward_equals_numpy",),
    ),
    Item(
        "Sec. 3.3",
        "network architectures",
        "architectures",
        (f"{RESNET}:ResNet", f"{MODELS}zoo.py:TABLE_1"),
        (f"{UNIT}test_count.py::test_multiply_adds_of_table_1",),
    ),
    Item(
        "Sec. 3.4",
        "implementation",
        "implementation",
        (
            f"{SPEC}:IMAGENET",
            f"{MODELS}initialise.py:initialise",
            f"{DATA}gallery/crops.py:cropped",
            f"{MODELS}views.py:ten_crops",
        ),
        (
            f"{UNIT}test_resnet.py::test_initialisation",
            f"{UNIT}test_optim.py::test_ours_is_caffes_momentum_across_a_drop",
        ),
    ),
    Item(
        "Sec. 4",
        "experiments",
        "imagenet",
        (f"{MODELS}zoo.py:TABLE_1",),
        (f"{UNIT}test_count.py::test_multiply_adds_of_table_1",),
    ),
    Item(
        "Sec. 4.1",
        "ImageNet classification",
        "imagenet",
        ("src/deepres/gradients.py:gradient_norms", f"{RESNET}:Bottleneck"),
        (f"{UNIT}test_deepen.py::test_gradient_norms_are_those_of_the_loss",),
    ),
    Item(
        "Sec. 4.2",
        "CIFAR-10 and analysis",
        "cifar",
        (f"{SPEC}:Recipe", f"{DATA}augment.py:drawn"),
        (f"{UNIT}test_declare.py::test_the_recipe_is_section_4_2_unless_told_otherwise",),
    ),
    Item("Sec. 4.3", "detection on PASCAL and COCO", "detection", reason=NOT_RERUN),
    Item("Appendix A", "detection baselines", "detection#appendix-a", reason=NOT_RERUN),
    Item("Appendix B", "detection improvements", "detection#appendix-b", reason=NOT_RERUN),
    Item("Appendix C", "localisation", "localisation", reason=NOT_RERUN),
)

EQUATIONS = (
    Item(
        "Eqn (1)",
        "y = F(x) + x",
        "identity-shortcuts",
        (f"{RESNET}:Basic.forward",),
        (f"{UNIT}test_resnet.py::test_forward_equals_numpy",),
    ),
    Item(
        "Eqn (2)",
        "y = F(x) + Ws x",
        "identity-shortcuts",
        (f"{RESNET}:shortcut",),
        (f"{UNIT}test_resnet.py::test_parameters_of_section_4_2",),
    ),
)

FIGURES = (
    Item(
        "Fig. 1",
        "plain networks degrade",
        "introduction",
        (f"{STUDIES}figure1.py:STUDY", "docs/made/pictures/ours.py:figure_1"),
        ("tests/unit/test_docs_pictures.py::test_figures_say_what_was_not_run",),
    ),
    Item(
        "Fig. 2",
        "the block",
        "residual-learning",
        (f"{RESNET}:Basic", "docs/made/pictures/blocks.py:residual_block"),
        ("tests/unit/test_docs_pictures.py::test_a_block_is_drawn_from_what_runs",),
    ),
    Item(
        "Fig. 3",
        "VGG-19, plain-34, residual-34",
        "architectures",
        ("docs/made/pictures/networks.py:plain_and_residual",),
        ("tests/unit/test_docs_pictures.py::test_arcs_go_around_two_layers_each",),
    ),
    Item(
        "Fig. 4",
        "ImageNet training of 18 and 34 layers",
        "imagenet",
        (f"{STUDIES}figure4.py:STUDY",),
        (f"{UNIT}test_studies.py::test_a_study_hangs_together",),
    ),
    Item(
        "Fig. 5",
        "the bottleneck",
        "imagenet",
        (f"{RESNET}:Bottleneck", "docs/made/pictures/blocks.py:bottleneck"),
        ("tests/unit/test_docs_pictures.py::test_a_bottleneck_costs_what_a_basic_block_does",),
    ),
    Item(
        "Fig. 6",
        "CIFAR-10 training",
        "cifar",
        (f"{STUDIES}figure6.py:STUDY", "docs/made/pictures/ours.py:figure_6"),
        ("tests/unit/test_docs_pictures.py::test_figures_say_what_was_not_run",),
    ),
    Item(
        "Fig. 7",
        "responses of the layers",
        "cifar",
        (f"{STUDIES}figure7.py:STUDY", "src/deepres/responses.py:deviations"),
        ("tests/unit/test_docs_pictures.py::test_figures_say_what_was_not_run",),
    ),
)

GLUED = (
    "tests/unit/test_docs.py::test_tables_print_the_papers_numbers",
    f"{UNIT}test_studies.py::test_the_papers_numbers_are_those_of_the_papers_page",
)
TABLES = (
    Item(
        "Table 1",
        "architectures and multiply-adds",
        "architectures",
        (f"{MODELS}zoo.py:TABLE_1", f"{STUDIES}table1.py:STUDY"),
        COUNTS,
    ),
    Item(
        "Table 2",
        "plain and residual, ten crops",
        "imagenet",
        (f"{STUDIES}table2.py:STUDY", "docs/made/tables.py:table_2"),
        GLUED,
    ),
    Item(
        "Table 3",
        "shortcut options and deeper networks",
        "imagenet",
        (f"{STUDIES}table3.py:STUDY", f"{RESNET}:shortcut"),
        GLUED,
    ),
    Item(
        "Table 4",
        "single models, many scales",
        "imagenet",
        (f"{STUDIES}table4.py:STUDY", f"{MODELS}views.py:swept"),
        GLUED,
    ),
    Item(
        "Table 5",
        "ensembles",
        "imagenet",
        (f"{STUDIES}table5.py:STUDY", "src/deepres/evaluate.py:combined"),
        (f"{UNIT}test_evaluate.py::test_an_ensemble_averages_probabilities",),
    ),
    Item(
        "Table 6",
        "CIFAR-10",
        "cifar",
        (f"{STUDIES}table6.py:STUDY", "docs/made/tables.py:table_6"),
        (*GLUED, f"{UNIT}test_count.py::test_parameters_of_the_cifar_networks"),
    ),
    *(
        Item(f"Table {number}", about, page, reason=NOT_RERUN)
        for number, about, page in (
            (7, "VOC", "detection"),
            (8, "COCO", "detection"),
            (9, "COCO, step by step", "detection"),
            (10, "VOC 2007 with all improvements", "detection"),
            (11, "VOC 2012 with all improvements", "detection"),
            (12, "ImageNet detection", "detection"),
            (13, "localisation, step by step", "localisation"),
            (14, "localisation, compared", "localisation"),
        )
    ),
)

ITEMS = (*SECTIONS, *EQUATIONS, *FIGURES, *TABLES, *SENTENCES)
