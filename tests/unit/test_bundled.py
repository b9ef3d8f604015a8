"""Weights that come with the package: what they say of themselves is what was run."""

import json
from pathlib import Path

import pytest

import deepres
from deepres.card import Card, Preprocessing, cautions
from deepres.models import bundled
from deepres.models.zoo import arch
from deepres.runs.running import where_from
from deepres.spec import FAST, Data, Run, scaled

RESULTS = Path(__file__).parents[2] / "results"


def lines():
    """Every committed run, by its key."""
    texts = [path.read_text().splitlines() for path in RESULTS.glob("*.jsonl")]
    found = [json.loads(line) for lines in texts for line in lines]
    return {line["key"]: line for line in found if "key" in line}


@pytest.mark.parametrize("name", bundled.names())
def test_what_is_bundled_stands_behind_a_committed_result(name):
    card = deepres.load(name).card
    line = lines()[card.provenance["run"]]
    assert card.numbers["top1_errors"] == line["test"]["top1"]
    assert card.numbers["seen"] == line["test"]["seen"] == 10_000
    assert card.provenance["steps"] == line["run"]["recipe"].get("steps", 64_000)
    assert f"({line['test']['top1']}/10000)" in bundled.told(name)


def card(**told):
    pictures = Preprocessing(size=32, resize=32, mean=(0, 0, 0), std=(1, 1, 1))
    return Card(network="resnet20", arch=None, preprocessing=pictures, **told)


def test_a_short_training_and_guesses_are_told_before_anything_else():
    short = {"steps": 2000, "scaled_from_steps": 64_000}
    guess, schedule = cautions(card(guessed=("The stride.",), provenance=short))
    assert guess == "guessed: The stride."
    assert "2,000 steps in place of 64,000" in schedule
    assert cautions(card(provenance={"steps": 64_000})) == []


def test_what_a_run_writes_on_its_card_warns_of_short_schedules_alone():
    whole = Run(name="x", arch=arch("resnet20"), data=Data(name="cifar10"))
    assert cautions(card(provenance=where_from(whole))) == []
    (said,) = cautions(card(provenance=where_from(scaled(whole, 6_400))))
    assert "6,400 steps in place of 64,000" in said


def test_a_recipe_that_is_not_the_papers_is_named_on_the_card():
    ours = Run(name="x", arch=arch("resnet20"), data=Data(name="cifar10"), recipe=FAST)
    (said,) = cautions(card(provenance=where_from(ours)))
    assert "--recipe fast, which is not the paper's" in said
    short, _ = cautions(card(provenance=where_from(scaled(ours, 100))))
    assert "100 steps in place of 19,532" in short
