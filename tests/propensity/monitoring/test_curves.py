"""Curves of a scored book, against scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import f1_score, precision_recall_curve, precision_score, recall_score

from propensity.metrics.intervals import find_share_interval
from propensity.monitoring.curves import CurveTally, share_by_probability
from propensity.monitoring.profile import ValueCounts
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.storage import parquet_parts
from propensity.storage.parquet_parts import PartWriter
from propensity.storage.tallies import tally_parts

N_ROWS = 5000


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Scores best first in parts of several batches."""
    monkeypatch.setattr(parquet_parts, "BATCH_ROWS", 64)

    def write(probability, response, known, predicted=None) -> ScoredBook:
        n = len(probability)
        columns = {name: np.zeros(n) for name in SCORES_SCHEMA.names} | {
            "probability": probability,
            "response": pa.array(response, mask=~known).cast(pa.int8()),
            "predicted_response": np.zeros(n) if predicted is None else predicted,
        }
        table = pa.table(columns).cast(SCORES_SCHEMA)
        with PartWriter(tmp_path, SCORES_SCHEMA, part_rows=n // 3 + 1) as writer:
            for start in range(0, n, 50):
                writer.write(table.slice(start, 50))
        return ScoredBook(writer.paths, n, 0, 0)

    return write


def trace(book: ScoredBook, scored: tuple[np.ndarray, np.ndarray, np.ndarray]) -> CurveTally:
    _, response, known = scored
    tally = CurveTally(int(known.sum()), int(response[known].sum()))
    tally_parts(book.parts, tally)
    return tally


@pytest.fixture(params=["all different", "many ties"])
def scored(request):
    rng = np.random.default_rng(0)
    probability = np.sort(rng.beta(0.5, 3, N_ROWS).astype(np.float32))[::-1]
    if request.param == "many ties":
        probability = np.round(probability, 2)
    response = (rng.random(N_ROWS) < probability).astype(np.int8)
    return probability, response, rng.random(N_ROWS) < 0.7


def test_every_point_is_one_of_the_exact_curve(write, scored):
    probability, response, known = scored
    curve = trace(write(*scored), scored).curve
    precision, recall, thresholds = precision_recall_curve(response[known], probability[known])
    exact = {t: (p, r) for t, p, r in zip(thresholds, precision[:-1], recall[:-1], strict=True)}
    for point in curve:
        assert (point.precision, point.recall) == pytest.approx(exact[np.float32(point.threshold)])


def test_the_curve_is_thin_and_leaves_nothing_out(write, scored):
    probability, _, known = scored
    curve = trace(write(*scored), scored).curve
    recall = [p.recall for p in curve]
    n_different = len(np.unique(probability[known]))
    assert min(n_different, 200) / 2 < len(curve) <= 200
    assert recall == sorted(recall)
    assert recall[-1] == 1
    if n_different > 200:
        assert max(np.diff([0, *recall])) < 0.01


def test_the_thresholds_are_counted_over_the_labelled(write, scored):
    probability, response, known = scored
    predicted = (probability >= 0.2).astype(np.int8)
    called = trace(write(*scored, predicted), scored).called
    told, called_upon = response[known], predicted[known]
    assert called.precision == pytest.approx(precision_score(told, called_upon))
    assert called.recall == pytest.approx(recall_score(told, called_upon))
    f1 = 2 * called.n_found / (called.n_called + called.n_positive)
    assert f1 == pytest.approx(f1_score(told, called_upon))
    assert called.precision_interval == find_share_interval(called.n_found, called.n_called)
    assert called.recall_interval == find_share_interval(called.n_found, called.n_positive)


def test_nobody_called_has_no_precision(write, scored):
    called = trace(write(*scored), scored).called
    assert (called.n_called, called.precision, called.recall) == (0, 0, 0)


def test_reliability_is_that_of_equally_many(write):
    rng = np.random.default_rng(0)
    probability = np.sort(rng.beta(0.5, 3, N_ROWS).astype(np.float32))[::-1]
    response = (rng.random(N_ROWS) < probability).astype(np.int8)
    everybody = np.ones(N_ROWS, dtype=bool)
    scored = probability, response, everybody
    bins = trace(write(*scored), scored).reliability
    actual, said = calibration_curve(response, probability, n_bins=20, strategy="quantile")
    assert [b.n_rows for b in bins] == [N_ROWS // 20] * 20
    assert [b.mean_probability for b in bins][::-1] == pytest.approx(said)
    assert [b.actual_share for b in bins][::-1] == pytest.approx(actual)
    assert bins[3].interval == find_share_interval(bins[3].n_positive, bins[3].n_rows)
    assert sum(b.agrees for b in bins) >= 17


def test_probabilities_that_are_wrong_do_not_agree(write, scored):
    probability, response, known = scored
    bins = trace(write(probability / 2, response, known), scored).reliability
    assert sum(b.n_rows for b in bins) == known.sum()
    assert not any(b.agrees for b in bins[:5])


def test_shares_by_probability_are_of_the_whole_book():
    lows = (0.0, 0.0199, 0.02, 0.0399, 0.14, 0.989, 1.0)
    counts = ValueCounts("probability", True, lows, np.outer([1, 1, 2, 1, 3, 1, 1], [1, 0, 0]))
    shares = share_by_probability(counts)
    assert shares.sum() == pytest.approx(1)
    expected = np.zeros(50)
    expected[[0, 1, 7, 49]] = [0.2, 0.3, 0.3, 0.2]
    assert shares == pytest.approx(expected)
