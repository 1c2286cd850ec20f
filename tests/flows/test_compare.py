"""The comparison as a person starts it, on a small simulated book."""

import datetime as dt
from pathlib import Path

import pytest

from propensity.comparison import Comparison
from propensity.simulate import simulate_book

pytestmark = pytest.mark.slow


def test_strategies_are_compared_and_nothing_is_published(propensity, tmp_path: Path) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=6_000, seed=2)
    quick = {"PROPENSITY_MAX_EPOCHS": "1", "PROPENSITY_N_BOOTSTRAP": "20"}
    ran = propensity("compare", str(tmp_path / "book.csv"), "--strategy", "undersample", **quick)
    assert ran.returncode == 0, ran.stderr
    (folder,) = (propensity.data_dir / "comparisons").iterdir()
    comparison = Comparison.load(folder / "comparison.parquet")
    names = [arm.name for arm in comparison.arms]
    assert names[:3] == ["none", "undersample", "logistic regression"]
    assert comparison.conclusion in " ".join(ran.stdout.split())
    assert str(folder / "comparison.html") in ran.stdout
    none, undersample = comparison.arms[:2]
    assert undersample.n_training_rows < 0.4 * none.n_training_rows
    assert comparison.as_of == dt.datetime.now().astimezone().date()
    assert not (propensity.data_dir / "propensity.db").exists()


def test_an_unknown_strategy_is_refused_with_those_there_are(propensity) -> None:
    ran = propensity("compare", "--simulated", "--strategy", "smote")
    assert ran.returncode == 2
    assert "'smote' is none of none, class_weight" in " ".join(ran.stderr.split())
