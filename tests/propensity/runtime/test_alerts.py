import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from propensity.evaluation.records import Contender
from propensity.ingest.contract import load_contract
from propensity.metrics.intervals import Interval
from propensity.model.store import ModelVersion
from propensity.monitoring.drift import LARGE
from propensity.monitoring.profile import BookCounts, ValueCounts
from propensity.runtime.alerts import find_drift, find_f1_drop
from propensity.runtime.night import OpenNight
from propensity.settings import NightlyConfig
from propensity.storage.workspace import Workspace
from propensity.warehouse.nights import LastNight
from propensity.warehouse.queries import RunSummary
from propensity.warehouse.runs import Night, Run

from ..conftest import QUALITY, change_quality

TONIGHT, LAST = dt.date(2026, 11, 24), LastNight(1, "last", dt.date(2026, 11, 23), "v")


@pytest.fixture
def night(tmp_path) -> OpenNight:
    run = Run(2, "tonight", Night(TONIGHT, "a" * 64, "b" * 64))
    config = NightlyConfig(as_of=TONIGHT, promotion_margin=0.01)
    return OpenNight(run, (), config, load_contract(), Workspace(tmp_path), is_repeat=False)


def serve(f1: float, half_width: float = 0.005) -> Contender:
    interval = Interval(f1 - half_width, f1 + half_width)
    quality = change_quality(
        QUALITY,
        n_labelled=10_000,
        f1=f1,
        f1_interval=interval,
        precision=0.3,
        recall=0.7,
        calibration_error=0.002,
    )
    return Contender(ModelVersion("v", Path("v"), "c" * 64, ()), quality)


SERVING = serve(0.45)


def had(f1: float) -> RunSummary:
    fields = {f.name: 0 for f in dataclasses.fields(RunSummary)}
    return RunSummary(**fields | {"f1_score": f1, "prevalence": 0.13})


def test_a_clear_drop_beyond_the_margin_is_found(night):
    drop = find_f1_drop(night, serve(0.43), LAST, had(0.45))
    assert (drop.f1, drop.last_f1, drop.margin) == (0.43, 0.45, 0.01)
    assert (drop.as_of, drop.last_as_of, drop.run_name) == (TONIGHT, LAST.as_of, "tonight")
    assert (drop.prevalence, drop.last_prevalence) == (0.12, 0.13)


@pytest.mark.parametrize(
    ("f1", "half_width"),
    [(0.46, 0.001), (0.45, 0.001), (0.441, 0.001), (0.43, 0.03)],
    ids=["better", "equal", "within the margin", "within chance"],
)
def test_no_drop_is_found(night, f1, half_width):
    assert find_f1_drop(night, serve(f1, half_width), LAST, had(0.45)) is None


def save(
    night: OpenNight, run_name: str, *, age: int = 30, n_damaged: int = 500, n_low: int = 500
) -> None:
    n = np.outer([n_damaged, 1000 - n_damaged], [0, 1, 0])
    damaged = ValueCounts("vehicle_damaged", False, ("Yes", "No"), n)
    ages = ValueCounts("age", True, tuple(float(age + i) for i in range(20)), np.full((20, 3), 9))
    n_scored = np.outer([n_low, 1000 - n_low], [1, 1, 1])
    probability = ValueCounts("probability", True, (0.1, 0.2), n_scored)
    BookCounts((damaged, ages), probability).save(night.workspace.counts(run_name))


def test_what_moved_far_is_found_the_furthest_first(night):
    save(night, "last", age=30, n_damaged=500)
    save(night, "tonight", age=60, n_damaged=900)
    drift = find_drift(night, SERVING, LAST)
    assert drift.columns == ("age", "vehicle_damaged")
    assert drift.stability_indices[0] > drift.stability_indices[1] >= drift.threshold == LARGE


def test_what_moved_little_is_not(night):
    save(night, "last", age=30, n_damaged=500)
    save(night, "tonight", age=30, n_damaged=600)
    assert find_drift(night, SERVING, LAST) is None


def test_scores_that_moved_far_are_found_where_the_same_model_gave_them(night):
    save(night, "last", n_low=900)
    save(night, "tonight", n_low=500)
    assert find_drift(night, SERVING, LAST).columns == ("probability",)


def test_scores_of_another_model_are_not_compared_but_the_book_is(night):
    before = dataclasses.replace(LAST, model_version="another")
    save(night, "last", n_low=900)
    save(night, "tonight", n_low=500)
    assert find_drift(night, SERVING, before) is None
    save(night, "tonight", n_low=500, n_damaged=900)
    assert find_drift(night, SERVING, before).columns == ("vehicle_damaged",)


def test_without_counts_of_last_night_nothing_is_said(night):
    save(night, "tonight", age=30, n_damaged=600)
    assert find_drift(night, SERVING, LAST) is None


def test_without_counts_of_tonight_it_does_not_pass_for_quiet(night):
    save(night, "last", age=30, n_damaged=500)
    with pytest.raises(FileNotFoundError):
        find_drift(night, SERVING, LAST)
