"""Documents that print what a command or a result says: make it anew, name what is stale.

In Markdown, a comment `<!-- deepres count resnet20 -->` above a fenced block says which command
prints it, `<!-- table checkpoints -->` that what follows up to `<!-- end -->` is a table made here,
and `<!-- study figure6 short -->` that it is a study's results, from the committed lines; its
charts lie in docs/_static. `python -m tests.freshness --write` brings them up to date.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepres.studies.rows import Results
    from deepres.studies.study import Scale

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- deepres (.+?) -->\n```\w*\n)(.*?)(```)", re.S)

TABLE = re.compile(r"(<!-- table (\w+) -->\n)(.*?)(<!-- end -->)", re.S)

STUDY = re.compile(r"(<!-- study ([\w-]+) (\w+) -->\n)(.*?)(<!-- end -->)", re.S)


def printed(words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deepres", *words.split()], capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"deepres {words} failed:\n{done.stderr}")
    return done.stdout.rstrip() + "\n"


def families() -> str:
    """Every family that can be read, as `--source` names it."""
    from deepres.convert.families import FAMILIES

    rows = dict.fromkeys(f"| `{family.name}` | {family.about} |" for family in FAMILIES)
    return "\n".join(["| `--source` | whose |", "|---|---|", *rows]) + "\n"


def checkpoints() -> str:
    """Rows of committed results: what their authors print beside what was counted here."""
    from docs.made.results import lines

    rows = ["| checkpoint | network | its page says | top-1 error here | top-5 error here |"]
    rows.append("|---|---|---|---|---|")
    for result in lines(ROOT / "results" / "published"):
        top1, top5 = (
            f"{result[f'{n}_error']:.2f} % ({result[f'{n}_errors']}/{result['seen']})"
            for n in ("top1", "top5")
        )
        names = f"| `{result['file']}` | `{result['network']}` | {result['claimed']} "
        rows.append(f"{names}| {top1} | {top5} |")
    return "\n".join(rows) + "\n"


def gradients() -> str:
    """What travels in a step, network by network."""
    from docs.made import ranks

    return ranks.gradients()


def measured_ranks() -> str:
    """The committed line of `bench/ranks.py`."""
    from docs.made import ranks

    return ranks.measured()


def machines() -> str:
    """What follows for real networks of machines."""
    from docs.made import ranks

    return ranks.machines()


def trainings() -> str:
    """Every committed training of ours on CIFAR."""
    from deepres.spec import recipe_named
    from deepres.studies.outcome import gathered

    rows = ["| run | recipe | steps | test error | with running statistics | training, clean |"]
    rows.append("|---|---|---|---|---|---|")
    for one in gathered(sorted(ROOT.glob("results/cifar*.jsonl"))):
        recipe = one.run.recipe
        full = f" of {recipe.scaled_from.steps:,}" if recipe.scaled_from else ""
        rows.append(
            f"| `{one.run.name}`, seed {one.run.seed}"
            f" | {recipe_named(recipe) or 'changed'}, {recipe.precision} | {recipe.steps:,}{full}"
            f" | {one.test} | {one.test_running} | {one.trained_on.top1_error:.2f} % |"
        )
    return "\n".join(rows) + "\n"


def largest_of(name: str, scale: "Scale | None" = None) -> "Results":
    """What the committed lines hold of a study."""
    from deepres.studies.catalogue import study as named
    from deepres.studies.outcome import gathered
    from deepres.studies.rows import largest

    return largest(named(name), gathered(sorted(ROOT.glob("results/*.jsonl"))), scale)


def identities() -> str:
    """What the committed runs say of the paper's constructive argument."""
    found = largest_of("existence")
    findings = found.findings()[: len(found.study.deeper)]
    rows = [f"| {f.claim} | {f.found} | {f.verdict} |" for f in findings]
    return "\n".join(["| the argument | found | verdict |", "|---|---|---|", *rows]) + "\n"


def fast() -> str:
    """The paper's networks by `--recipe fast`, beside its errors."""
    from deepres.report.tables import printed as theirs
    from deepres.report.tables import spread
    from deepres.spec import CIFAR, FAST

    found = largest_of("fast", "paper")
    heads = f"the paper, {CIFAR.steps:,} steps | fast, {FAST.steps:,} steps: mean ± std (n)"
    rows = [f"| network | {heads} | better? |", "|---|---:|---:|---|"]
    for row, finding in zip(found.rows, found.findings(), strict=True):
        verdict = "-" if finding.undecided else finding.verdict
        ours = spread(row.errors, row.seeds)
        rows.append(f"| {row.row.name} | {theirs(row.row.paper)} | {ours} | {verdict} |")
    return "\n".join(rows) + "\n"


def finetuning() -> str:
    """The committed lines of `bench/finetune.py`: wrong answers of each seed, and their mean."""
    from docs.made.results import lines

    rows = ["| its start | network | from these weights, wrong | from nothing, wrong |"]
    rows.append("|---|---|---|---|")
    for told in lines(ROOT / "bench"):
        if not told["bench"].startswith("fine-tuning") or told["tested_on"][:10] != "validation":
            continue
        (tuned,), (nothing,) = (by.values() for by in told["top1_errors_by_rate"].values())
        each = (
            f"{', '.join(map(str, wrong))} of {told['pictures']}"
            f" ({100 * sum(wrong) / len(wrong) / told['pictures']:.1f} %)"
            for wrong in (tuned, nothing)
        )
        network = told["bench"].split(",")[1].strip()
        rows.append(f"| {told['start']} | {network} | {' | '.join(each)} |")
    return "\n".join(rows) + "\n"


TABLES = {
    "fast": fast,
    "identities": identities,
    "finetuning": finetuning,
    "trainings": trainings,
    "checkpoints": checkpoints,
    "families": families,
    "gradients": gradients,
    "ranks": measured_ranks,
    "machines": machines,
}


def study(name: str, scale: str) -> tuple[str, dict[str, str]]:
    """A study's charts, tables and verdicts from the committed lines, and the charts' files."""
    from deepres.cli.run import scale_named
    from deepres.report.study import results_markdown

    found = largest_of(name, scale_named(scale))
    text, files = results_markdown(found, f"docs/_static/{name}-{scale}")
    return re.sub("^## ", "### ", text, flags=re.M), files  # within a chapter of the page


def main() -> None:
    stale: list[str] = []
    charts: dict[str, str] = {}

    def told(found: re.Match[str]) -> str:
        text, files = study(found[2], found[3])
        charts.update(files)
        return f"{found[1]}{text}{found[5]}"

    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = page.read_text()
        fresh = BLOCK.sub(lambda m: m[1] + printed(m[2]) + m[4], text)
        fresh = TABLE.sub(lambda m: m[1] + TABLES[m[2]]() + m[4], fresh)
        fresh = STUDY.sub(told, fresh)
        if fresh == text:
            continue
        stale.append(str(page.relative_to(ROOT)))
        if "--write" in sys.argv:
            page.write_text(fresh)
    for name, drawn in charts.items():
        path = ROOT / name
        if path.exists() and path.read_text() == drawn:
            continue
        stale.append(name)
        if "--write" in sys.argv:
            path.write_text(drawn)
    if stale and "--write" not in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}. `python -m tests.freshness --write` mends them.")


if __name__ == "__main__":
    main()
