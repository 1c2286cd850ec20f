"""Values counted a batch at a time, and kept for the next night."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from propensity.ingest.book import CuratedBook
from propensity.metrics.binning import POWERS, cut_bands, find_cells
from propensity.monitoring.profile import Profile, ProfileTally, profile_features
from propensity.scoring.records import SCORES_SCHEMA
from propensity.storage import parquet_parts
from propensity.storage.parquet_parts import PartWriter
from propensity.storage.tallies import tally_parts

N_ROWS = 1000


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    response = pd.array(rng.choice([0, 1], N_ROWS, p=[0.8, 0.2]), dtype="Int8")
    response[rng.random(N_ROWS) < 0.3] = pd.NA
    return pd.DataFrame(
        {
            "policyholder_id": np.arange(N_ROWS), "Gender": rng.choice(["Female", "Male"], N_ROWS),
            "Age": rng.integers(18, 90, N_ROWS), "Driving_License": 1,
            "Region_Code": rng.integers(0, 50, N_ROWS), "Previously_Insured": 0,
            "Vehicle_Age": "< 1 Year", "Vehicle_Damage": "No",
            "Annual_Premium": rng.uniform(2630, 90_000, N_ROWS), "Policy_Sales_Channel": 26,
            "Vintage": rng.integers(10, 300, N_ROWS), "response": response, "fold": 0,
            "probability": rng.random(N_ROWS).astype(np.float32),
        }
    )  # fmt: skip


@pytest.fixture
def count(contract, tmp_path, monkeypatch):
    """Write rows as parts of several batches, and count them."""
    monkeypatch.setattr(parquet_parts, "BATCH_ROWS", 64)

    def count(rows: pd.DataFrame) -> Profile:
        n_rows = len(rows)
        with PartWriter(tmp_path / "book", contract.schema, part_rows=400) as book:
            for start in range(0, n_rows, 100):
                some = rows[contract.schema.names].iloc[start : start + 100]
                book.write(pa.Table.from_pandas(some, contract.schema, preserve_index=False))
        zeros = {name: np.zeros(n_rows) for name in SCORES_SCHEMA.names}
        scored = pd.DataFrame(zeros).assign(**rows[["probability", "response"]])
        with PartWriter(tmp_path / "scores", SCORES_SCHEMA) as scores:
            scores.write(pa.Table.from_pandas(scored, SCORES_SCHEMA, preserve_index=False))
        curated = CuratedBook(book.paths, tmp_path / "rejected.csv", n_rows, 0, 0, 0)
        probability = ProfileTally({"probability": True})
        tally_parts(scores.paths, probability)
        return Profile(profile_features(curated, contract), probability.counts[0])

    return count


def test_every_value_is_counted_by_what_is_known(count, rows, contract):
    counts = {c.name: c for c in count(rows).features}
    assert list(counts) == [c.name for c in contract.features]
    for name in ("Gender", "Region_Code", "Age", "Vintage"):
        for value, n in zip(counts[name].values, counts[name].n, strict=True):
            response = rows.loc[rows[name] == value, "response"]
            expected = [response.isna().sum(), (response == 0).sum(), (response == 1).sum()]
            assert n.tolist() == expected
        assert counts[name].n_all.sum() == N_ROWS
        assert counts[name].n_labelled.sum() == rows["response"].notna().sum()


def test_numbers_are_counted_in_cells_and_in_order(count, rows):
    counts = count(rows)
    premium = next(c for c in counts.features if c.name == "Annual_Premium")
    cells = np.floor(rows["Annual_Premium"] / 100) * 100
    few = rows["Annual_Premium"] < 10_000
    cells[few] = np.floor(rows["Annual_Premium"][few] / 10) * 10
    expected = cells.value_counts().sort_index()
    assert list(premium.values) == expected.index.tolist()
    assert premium.n_all.tolist() == expected.tolist()
    assert list(counts.probability.values) == sorted(counts.probability.values)
    assert counts.probability.n_all.sum() == N_ROWS


def test_categories_come_largest_first(count, rows):
    regions = next(c for c in count(rows).features if c.name == "Region_Code")
    assert regions.n_all.tolist() == sorted(regions.n_all, reverse=True)


def test_blank_is_a_value(count, rows):
    rows.loc[:4, "Region_Code"] = None
    regions = next(c for c in count(rows).features if c.name == "Region_Code")
    assert regions.n_all[regions.values.index(None)] == 5  # noqa: PD011


def test_what_is_kept_is_what_was_counted(count, rows, tmp_path):
    rows.loc[:4, "Region_Code"] = None
    counts, path = count(rows), tmp_path / "reports" / "counts.json"
    counts.save(path)
    loaded = Profile.load(path)
    assert loaded is not None
    kept, counted = (*loaded.features, loaded.probability), (*counts.features, counts.probability)
    for one, other in zip(kept, counted, strict=True):
        assert vars(one) | {"n": one.n.tolist()} == vars(other) | {"n": other.n.tolist()}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", [None, "", "[]", "[1]", '[{"name": "Age"}]'])
def test_a_night_that_kept_nothing_readable_is_none(text: str | None, tmp_path: Path):
    path = tmp_path / "counts.json"
    if text is not None:
        path.write_text(text)
    assert Profile.load(path) is None


@pytest.mark.parametrize(
    ("number", "cell"),
    [
        (0, 0), (7, 7), (29, 29), (43, 43), (999, 999), (1000, 1000), (1009, 1000), (2630, 2630),
        (40_454, 40_400), (0.5, 0.5), (0.12345, 0.123), (0.0012345, 0.00123), (-7.5, -7.5),
        (-1001, -1010), (1e-300, 0),
    ],
)  # fmt: skip
def test_a_cell_keeps_three_digits(number, cell):
    assert find_cells(np.array([number]))[0] == pytest.approx(cell, rel=1e-12)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
def test_cells_keep_the_order_and_hold_their_numbers(numbers):
    x = np.sort(np.array(numbers))
    cells = find_cells(x)
    assert (np.diff(cells) >= 0).all()
    assert (cells <= x + 1e-9 * np.abs(x) + POWERS[0]).all()
    assert (x - cells <= 0.0101 * np.abs(x) + POWERS[0]).all()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60).filter(any), st.integers(1, 12))
def test_bands_are_in_order_without_gaps_and_about_equal(n, n_bands):
    n = np.array(n)
    bands = cut_bands(n, n_bands)
    assert bands[0] == 0
    assert set(np.diff(bands)) <= {0, 1}
    assert bands[-1] < n_bands
    sizes = np.bincount(bands, n)
    assert sizes.max() <= n.sum() / n_bands + n.max()
