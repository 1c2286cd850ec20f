import itertools

import numpy as np
import pyarrow as pa
import pytest

from propensity.metrics.intervals import expect_buyers
from propensity.scoring.gains import Gain, GainTally, count_callable
from propensity.scoring.records import SCORES_SCHEMA, ScoredBook
from propensity.storage import parquet_parts
from propensity.storage.parquet_parts import PartWriter
from propensity.storage.tallies import tally_parts

NOBODY = np.array([], dtype=np.int64)


def tally(book: ScoredBook, suppressed: np.ndarray, n_calls: int = 1) -> GainTally:
    tally = GainTally(count_callable(book, suppressed), suppressed, n_calls)
    tally_parts(book.parts, tally)
    return tally


def find_gains(book: ScoredBook, suppressed: np.ndarray) -> list[Gain]:
    return tally(book, suppressed).gains


@pytest.fixture
def make_book(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_parts, "BATCH_ROWS", 64)

    def make(
        probability: np.ndarray, known: np.ndarray, said_yes: np.ndarray | None = None
    ) -> ScoredBook:
        n, is_lead = len(probability), known == 0
        columns = {name: np.zeros(n) for name in SCORES_SCHEMA.names} | {
            "policyholder_id": np.arange(n),
            "probability": probability.astype(np.float32),
            "response_known": known.astype(np.int8),
            "response": pa.array(
                np.zeros(n) if said_yes is None else said_yes, mask=known == 0
            ).cast(pa.int8()),
            "lead_rank": pa.array(np.cumsum(is_lead), mask=~is_lead),
        }
        with PartWriter(tmp_path, SCORES_SCHEMA, part_rows=n // 3 + 1) as writer:
            table = pa.table(columns).cast(SCORES_SCHEMA)
            for start in range(0, n, 50):
                writer.write(table.slice(start, 50))
        return ScoredBook(writer.paths, n, 0, int(is_lead.sum()))

    return make


@pytest.fixture
def probability():
    return np.sort(np.random.default_rng(0).beta(0.5, 3, 997).astype(np.float32))[::-1]


def test_every_per_cent_of_the_leads_is_counted(make_book, probability):
    known = np.arange(997) % 3 > 0
    gains = find_gains(make_book(probability, known), NOBODY)
    leads = probability[~known].astype(float)
    assert [g.percent for g in gains] == list(range(1, 101))
    for gain in gains:
        n = int(np.ceil(gain.percent * len(leads) / 100))
        assert gain.n_policyholders == n
        assert gain.expected_buyers == pytest.approx(leads[:n].sum())
        assert gain.lift == pytest.approx(leads[:n].mean() / leads.mean())
        assert gain.reached_share == pytest.approx(leads[:n].sum() / leads.sum())
        assert 0 <= gain.expected_low < gain.expected_buyers < gain.expected_high <= n
    assert gains[-1].lift == gains[-1].reached_share == pytest.approx(1)
    assert all(a.lift >= b.lift for a, b in itertools.pairwise(gains))


def test_the_error_of_the_calibration_is_that_of_known_responses_this_good(make_book, probability):
    known = np.arange(997) % 3 > 0
    gain = find_gains(make_book(probability, known), NOBODY)[9]
    last = probability[~known][gain.n_policyholders - 1]
    seen = probability[known & (probability >= last)].astype(float)
    expected = np.sqrt((seen * (1 - seen)).sum()) / seen.sum()
    assert gain.relative_error == pytest.approx(expected)


def test_suppressed_are_not_called(make_book, probability):
    known = np.arange(997) % 3 > 0
    book = make_book(probability, known)
    best = np.flatnonzero(~known)[:50]
    gains = find_gains(book, best)
    assert gains[-1].n_policyholders == (~known).sum() - 50
    assert gains[-1].expected_buyers == pytest.approx(probability[~known][50:].astype(float).sum())


@pytest.mark.parametrize("n_calls", [1, 50, 283, 5000])
def test_any_number_of_calls_is_forecast(make_book, probability, n_calls):
    known = np.arange(997) % 3 > 0
    book = make_book(probability, known)
    best = np.flatnonzero(~known)[:50]
    gain = tally(book, best, n_calls).forecast
    n = min(n_calls, 283)
    leads = probability[~known][50:].astype(float)
    assert (gain.n_policyholders, gain.percent) == (n, 100 * n // 283)
    assert gain.expected_buyers == pytest.approx(leads[:n].sum())
    assert gain.reached_share == pytest.approx(leads[:n].sum() / leads.sum())
    assert gain.expected_low < gain.expected_buyers < gain.expected_high


def test_the_forecast_of_a_whole_per_cent_is_its_gain(make_book, probability):
    book = make_book(probability, np.arange(997) % 3 > 0)
    gains = find_gains(book, NOBODY)
    assert tally(book, NOBODY, gains[41].n_policyholders).forecast == gains[41]


def test_without_leads_no_calls_are_forecast(make_book, probability):
    book = make_book(probability, np.ones(997))
    assert tally(book, NOBODY, 10).forecast is None


def test_nobody_to_call_has_no_gains(make_book, probability):
    assert find_gains(make_book(probability, np.ones(997)), NOBODY) == []
    book = make_book(probability, np.zeros(997))
    assert find_gains(book, np.arange(997)) == []


def test_without_known_responses_the_calibration_is_unknown(make_book, probability):
    gains = find_gains(make_book(probability, np.zeros(997)), NOBODY)
    assert {g.relative_error for g in gains} == {1.0}


def test_what_the_known_responses_say_is_in_the_interval(make_book, probability):
    known = np.arange(997) % 3 > 0
    said_yes = np.zeros(997)
    said_yes[np.flatnonzero(known)[:20]] = 1
    gain = find_gains(make_book(probability, known, said_yes), NOBODY)[99]
    ratio = 20 / probability[known].astype(float).sum()
    assert gain.actual_ratio == pytest.approx(ratio, rel=0.05)
    assert gain.expected_low < gain.expected_buyers * ratio < gain.expected_buyers


@pytest.mark.parametrize("bias", [0.8, 1.0, 1.25], ids=["too low", "right", "too high"])
def test_the_interval_covers_what_happens(bias):
    """Books with known truth, probabilities that are off as a whole."""
    rng, hits, n_books = np.random.default_rng(0), 0, 1000
    for _ in range(n_books):
        truth, seen = rng.beta(0.5, 4, 400), rng.beta(0.5, 4, 600)
        p, known = np.clip(truth * bias, 0, 1), np.clip(seen * bias, 0, 1)
        ratio = (rng.random(600) < seen).sum() / known.sum()
        error = np.sqrt((known * (1 - known)).sum()) / known.sum()
        interval = expect_buyers(p.sum(), (p * (1 - p)).sum(), ratio, error, 400)
        hits += interval.low <= (rng.random(400) < truth).sum() <= interval.high
    assert hits / n_books >= 0.94


def test_the_interval_ends_where_there_is_nobody():
    interval = expect_buyers(0.5, 0.4, 1.0, 1.0, 1)
    assert (interval.low, interval.high) == (0, 1)
