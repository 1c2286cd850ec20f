"""A metric is declared once: a new one turns up everywhere, and its name stands nowhere else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from propensity.metrics.catalog import METRICS, PRECISION, RECALL, Metric, find_metrics
from propensity.metrics.evaluation import evaluate_scores

from .test_classification import make_scored

ROOT = Path(__file__).parents[3]
MAY_SPELL = {
    "propensity/metrics/catalog.py",
    "propensity/metrics/__init__.py",  # names the module of the calibration error
    "propensity/warehouse/schema/views.py",  # the columns of released views
}
"""Migrations beside: what was released is never edited."""
WORDS = ("f1", "precision", "recall")
"""Also words of their own: the gate decides by F1, and a curve is one of precision and recall."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict:
    script, folder = "tests/propensity/metrics/add_a_metric.py", tmp_path_factory.mktemp("added")
    command = [sys.executable, script, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True,
                         env={"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"})  # fmt: skip
    return json.loads(ran.stdout)


def test_a_new_metric_is_evaluated(found: dict) -> None:
    scored = make_scored(0.7, n_rows=2000)
    p = scored["probability"].to_numpy().astype(np.float64)
    expected = -np.log(np.where(scored["response"] == 1, p, 1 - p)).mean()
    assert found["evaluation"] == pytest.approx(expected, rel=1e-6)


def test_a_new_metric_is_shown(found: dict) -> None:
    shown = f"{found['evaluation']:.3f}"
    assert found["contest"]["log loss"] == float(shown)
    assert f"| {shown} |" in found["card"]
    assert re.search(r"\| calibration error \| log loss \|", found["card"])
    assert f"<td>{shown}</td>" in found["card page"]
    assert "mean negative log-likelihood; lower is better" in found["card page"]
    assert found["terminal"] == "{:.3f}"


def test_a_new_metric_is_kept_in_sql(found: dict) -> None:
    assert sorted(found["tables"]) == ["model_versions", "scoring_runs"]
    assert found["row"]["log_loss"] == found["evaluation"]
    assert "model_versions.log_loss" in found["models"]


def test_a_new_metric_is_compared(found: dict) -> None:
    before, after = found["comparison"]
    assert before > after > 0
    assert f"| {after:.3f} ({before:.3f}) |" in found["comparison page"]
    assert "log loss (before)" in found["comparison page"]
    assert found["comparison file"] is True


def test_the_name_of_a_metric_stands_in_its_declaration_only() -> None:
    names = [m.name for m in METRICS if m.name not in WORDS]
    spelt = re.compile(rf"\b({'|'.join(names)})\b")
    sources = [p for room in ("propensity", "flows", "tasks") for p in (ROOT / room).rglob("*.*")]
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources
        if path.suffix in {".py", ".j2"}
        and "migrations" not in path.parts
        # the module of the calibration error is named after it
        and spelt.search(path.read_text("utf-8").replace("metrics.calibration_error import", ""))
    }
    assert found == MAY_SPELL


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_better_scores_are_better_by_every_metric(metric: Metric) -> None:
    scored = make_scored(0.5, n_rows=2000)
    perfect = scored.assign(probability=scored["response"].astype(np.float32))
    worse, best = (evaluate_scores(s, seed=0, n_bootstrap=20)[metric] for s in (scored, perfect))
    assert best > worse if metric.higher_is_better else best < worse


def test_columns_of_a_table_are_distinct() -> None:
    for place in ("model_versions", "scoring_runs"):
        columns = [c for m in find_metrics(place) for c in m.column_meanings]
        assert len(columns) == len(set(columns))
    assert {PRECISION, RECALL} == {*find_metrics("scoring_runs")} - {
        *find_metrics("model_versions")
    }
