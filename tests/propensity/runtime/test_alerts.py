import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from propensity.evaluation.records import Contender
from propensity.ingest.contract import load_contract
from propensity.metrics.intervals import Interval
from propensity.model.store import ModelVersion
from propensity.monitoring.drift import LARGE, ColumnDrift
from propensity.runtime.alerts import find_drift, find_f1_drop
from propensity.runtime.night import OpenNight
from propensity.runtime.night_facts import NightFacts
from propensity.settings import NightlyConfig, Settings
from propensity.warehouse.nights import LastNight
from propensity.warehouse.queries import RunSummary
from propensity.warehouse.runs import Night, Run

from ..conftest import QUALITY, change_quality

TONIGHT, LAST = dt.date(2026, 11, 24), LastNight(1, "last", dt.date(2026, 11, 23), "v")


@pytest.fixture
def night(tmp_path) -> OpenNight:
    run = Run(2, "tonight", Night(TONIGHT, "a" * 64, "b" * 64))
    config = NightlyConfig(as_of=TONIGHT, promotion_margin=0.01)
    settings = Settings(data_dir=tmp_path)
    return OpenNight(run, (), config, load_contract(), settings, create_engine("sqlite://"))


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


def moved(*drifts: ColumnDrift, last: LastNight | None = LAST) -> NightFacts:
    """Facts of which only drift and last night are looked at."""
    others = dict.fromkeys((f.name for f in dataclasses.fields(NightFacts)), None)
    return NightFacts(**others | {"since_last_night": drifts, "last_night": last})


def test_what_moved_far_is_found_the_furthest_first(night):
    far = ColumnDrift("age", 1.2, 0, 0), ColumnDrift("vehicle_damaged", LARGE, 0, 0)
    drift = find_drift(night, moved(*far, ColumnDrift("gender", LARGE - 0.01, 0, 0)))
    assert drift.columns == ("age", "vehicle_damaged")
    assert drift.stability_indices == (1.2, LARGE)
    assert (drift.threshold, drift.last_as_of) == (LARGE, LAST.as_of)


def test_what_moved_little_is_not(night):
    assert find_drift(night, moved(ColumnDrift("age", LARGE - 0.01, 0, 0))) is None


def test_without_a_last_night_nothing_has_moved(night):
    assert find_drift(night, moved(last=None)) is None
