"""The contest as a table."""

import json
from pathlib import Path

import pytest

from propensity.evaluation.records import Contender, Contest
from propensity.evaluation.slices import Slice
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Baseline
from propensity.model.store import ModelVersion
from propensity.reporting.contest import tabulate_contest, tabulate_slices
from tests.propensity.conftest import QUALITY, change_quality

EVALUATION = change_quality(
    QUALITY,
    n_labelled=1000,
    prevalence=0.12262,
    f1=0.459991,
    f1_interval=Interval(0.45111, 0.46999),
    precision=0.41234,
    recall=0.56789,
    average_precision=0.37,
    average_precision_interval=Interval(0.36, 0.38),
    roc_auc=0.85903,
    brier=0.08888,
    calibration_error=0.00123,
    mean_probability=0.12268,
)
BASELINES = (Baseline("everyone positive", 0.218412), Baseline("the rule", 0.3985))
CANDIDATE = Contender(ModelVersion("v2", Path("v2"), "digest", ()), EVALUATION)
CHAMPION = Contender(ModelVersion("v1", Path("v1"), "digest", ()), EVALUATION)


@pytest.mark.parametrize(
    ("champion", "who"),
    [
        (None, ["candidate v2", "everyone positive", "the rule"]),
        (CHAMPION, ["candidate v2", "champion v1", "everyone positive", "the rule"]),
    ],
)
def test_one_row_each(champion: Contender | None, who: list[str]) -> None:
    rows = tabulate_contest(Contest(CANDIDATE, BASELINES, champion))
    assert [row["who"] for row in rows] == who
    assert json.loads(json.dumps(rows)) == rows, "plain values: they go into an artifact"


def test_numbers_have_four_digits() -> None:
    candidate, everyone, _ = tabulate_contest(Contest(CANDIDATE, BASELINES))
    assert candidate == {
        "who": "candidate v2",
        "F1": 0.46,
        "F1 95 %": "0.4511 to 0.4700",
        "precision": 0.4123,
        "recall": 0.5679,
        "average precision": 0.37,
        "average precision 95 %": "0.3600 to 0.3800",
        "ROC AUC": 0.859,
        "Brier": 0.0889,
        "calibration error": 0.0012,
        "threshold - F1 / 2": -0.03,
        "prevalence": 0.1226,
    }
    assert everyone == {"who": "everyone positive", "F1": 0.2184}


def make_slice(name: str, difference: float | None) -> Slice:
    interval = None if difference is None else Interval(difference - 0.01, difference + 0.01)
    champion_f1 = None if difference is None else 0.44321 - difference
    return Slice(
        name, 2000, 321, 319.449, 0.44321, Interval(0.4, 0.48), champion_f1, difference, interval
    )


def test_the_worst_slice_comes_first() -> None:
    slices = tuple(make_slice(n, d) for n, d in (("a", 0.01), ("b", -0.02), ("c", -0.1)))
    rows = tabulate_slices(Contest(CANDIDATE, BASELINES, CHAMPION, slices=slices))
    assert [row["slice"] for row in rows] == ["c", "b", "a"]
    assert json.loads(json.dumps(rows)) == rows
    assert rows[1] == {
        "slice": "b",
        "policyholders": 2000,
        "prevalence": 0.1605,
        "expected buyers": 319.4,
        "buyers": 321,
        "F1": 0.4432,
        "F1 95 %": "0.4000 to 0.4800",
        "champion's F1": 0.4632,
        "net benefit gained": -0.02,
        "net benefit, widened": "-0.0300 to -0.0100",
    }


def test_without_a_champion_slices_stay_in_order_and_have_no_difference() -> None:
    slices = (make_slice("b", None), make_slice("a", None))
    rows = tabulate_slices(Contest(CANDIDATE, BASELINES, slices=slices))
    assert [row["slice"] for row in rows] == ["b", "a"]
    assert "net benefit gained" not in rows[0]
