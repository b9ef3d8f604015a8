"""Every item of the paper: the page that explains it, the code that is it, the test that checks it.

An item without code says why. `unfounded` names what is wrong; the index page is made from here.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

NOT_RERUN = (
    "Detectors are another program: the paper's numbers are shown, marked as not rerun here."
)
OTHERS = "The row of another method is the paper's own comparison; nothing of it is run here."


@dataclass(frozen=True)
class Item:
    """A section, equation, figure, table or checkable sentence of the paper."""

    name: str  # as it is cited: Sec. 3.4, Eqn (1), Table 6; a sentence stands in its own words
    about: str
    page: str  # within docs/companion, with an anchor
    code: tuple[str, ...] = ()  # file:symbol
    tests: tuple[str, ...] = ()  # file::function
    reason: str = ""  # why there is no code


MODELS, DATA = "src/deepres/models/", "src/deepres/data/"
RESNET, SPEC = f"{MODELS}resnet.py", "src/deepres/spec.py"
UNIT = "tests/unit/"
STUDIES = "src/deepres/studies/"

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
        reason="It speaks of other papers; what is said of this one is checked where it is said.",
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
        (f"{STUDIES}figure1.py:STUDY", "docs/made/pictures/printed.py:figure_1"),
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
        (f"{STUDIES}figure6.py:STUDY", "docs/made/pictures/printed.py:figure_6"),
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

COUNTS = (f"{UNIT}test_count.py::test_multiply_adds_of_table_1",)
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

ITEMS = (*SECTIONS, *EQUATIONS, *FIGURES, *TABLES, *SENTENCES)

# What the paper has: an index that forgets an item is found out.
EXPECTED = frozenset(
    [
        "Abstract",
        *(
            f"Sec. {s}"
            for s in ("1", "2", "3", "3.1", "3.2", "3.3", "3.4", "4", "4.1", "4.2", "4.3")
        ),
        *(f"Appendix {letter}" for letter in "ABC"),
        *(f"Eqn ({n})" for n in (1, 2)),
        *(f"Fig. {n}" for n in range(1, 8)),
        *(f"Table {n}" for n in range(1, 15)),
    ]
)
CHECKABLE = 14  # sentences that a run can check


@cache
def symbols(file: Path) -> frozenset[str]:
    """Names that a file defines, a class's functions as Class.function; nothing is run."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        found |= _names(node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for part in node.body for name in _names(part)}
    return frozenset(found)


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return {target.id for target in targets if isinstance(target, ast.Name)}


def there(reference: str, root: Path = ROOT) -> bool:
    """Whether `file:symbol` or `file::test` is in the repository."""
    file, _, symbol = reference.replace("::", ":").partition(":")
    return (root / file).exists() and symbol in symbols(root / file)


def unfounded(items: tuple[Item, ...] = ITEMS, root: Path = ROOT) -> list[str]:
    """What is wrong with the index, a sentence each."""
    wrong = [f"{name} is missing" for name in sorted(EXPECTED - {item.name for item in items})]
    for item in items:
        if not item.code and not item.reason:
            wrong.append(f"{item.name} has neither code nor a reason")
        if item.code and not item.tests:
            wrong.append(f"{item.name} has code and no test")
        for reference in (*item.code, *item.tests):
            if not there(reference, root):
                wrong.append(f"{item.name}: {reference} is not there")
        page = root / "docs" / "companion" / f"{item.page.partition('#')[0]}.md"
        if not page.exists():
            wrong.append(f"{item.name}: there is no page {item.page}")
    return wrong
