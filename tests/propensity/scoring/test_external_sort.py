import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propensity.scoring import external_sort
from propensity.scoring.external_sort import sort_by_probability
from propensity.scoring.percentiles import ProbabilityRanks
from propensity.storage import parquet_parts


def sort(probability: np.ndarray, folder, n_batches: int = 3) -> pd.DataFrame:
    ids = np.random.default_rng(0).permutation(len(probability))
    rows = pa.table({"policyholder_id": ids, "probability": probability.astype(np.float32)})
    ranks = ProbabilityRanks()
    ranks.add(rows["probability"].to_numpy())
    size = -(-len(probability) // n_batches) or 1
    batches = (rows.slice(start, size) for start in range(0, len(probability), size))
    found = pa.concat_tables(sort_by_probability(batches, ranks, folder)).to_pandas()
    expected = rows.to_pandas().sort_values(
        ["probability", "policyholder_id"], ascending=[False, True], ignore_index=True
    )
    pd.testing.assert_frame_equal(found, expected)
    assert list(folder.iterdir()) == [], "buckets are gone"
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300))
def test_any_book_comes_out_sorted(tmp_path_factory, values):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "BUCKET_ROWS", 20)
        patch.setattr(parquet_parts, "BATCH_ROWS", 7)
        sort(np.array(values), tmp_path_factory.mktemp("sort"))


def test_a_book_of_one_probability_is_sorted_by_id(tmp_path, monkeypatch):
    monkeypatch.setattr(external_sort, "BUCKET_ROWS", 10)
    found = sort(np.full(100, 0.25), tmp_path)
    assert found["policyholder_id"].tolist() == list(range(100))


def test_buckets_are_of_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(external_sort, "BUCKET_ROWS", 1000)
    sizes, real = [], external_sort.pq.read_table
    monkeypatch.setattr(
        external_sort.pq, "read_table", lambda path: (t := real(path), sizes.append(t.num_rows))[0]
    )
    sort(np.random.default_rng(1).random(20_000), tmp_path)
    assert len(sizes) == 20
    assert max(sizes) < 1100
