"""Where bands begin; tests/propensity/monitoring/test_profile.py has the cells and the bands."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from propensity.metrics.binning import cut_bands, find_starts


@given(st.lists(st.integers(0, 50), min_size=1).filter(any), st.integers(1, 12))
def test_a_band_starts_at_its_first_cell(n: list[int], n_bands: int) -> None:
    bands = cut_bands(np.array(n), n_bands)
    starts = find_starts(bands)
    assert bands[starts].tolist() == list(range(bands.max() + 1))
    assert all(bands[i - 1] < bands[i] for i in starts[1:])
    assert starts[0] == 0
