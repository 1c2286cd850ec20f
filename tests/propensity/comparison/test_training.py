"""The baseline beside the networks is judged as they are: by those it has not seen."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from propensity.comparison.training import ScoredArm, run_logistic_arm
from propensity.ingest.contract import load_contract
from propensity.ingest.curation import ingest_files
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_book

CONTRACT = load_contract()
N_ROWS = 4000


@pytest.fixture
def fit_logistic(tmp_path: Path):
    def fit(name: str, *, is_shuffled: bool) -> ScoredArm:
        csv = tmp_path / f"{name}.csv"
        simulate_book(csv, n_rows=N_ROWS, seed=1)
        book = pd.read_csv(csv)
        # as many channels as there are: what can be learnt by heart
        book["Policy_Sales_Channel"] = np.random.default_rng(2).integers(1, 164, N_ROWS) * 1.0
        if is_shuffled:
            book["Response"] = np.random.default_rng(3).permutation(book["Response"])
        book.to_csv(csv, index=False)
        curated = ingest_files([csv], CONTRACT, tmp_path / f"{name}-curated")
        return run_logistic_arm(curated, CONTRACT, NightlyConfig(), tmp_path / f"{name}-arms")

    return fit


def test_logistic_regression_knows_nothing_of_answers_it_has_not_seen(fit_logistic) -> None:
    """Fitted on all rows it reaches 0.66 on the shuffled responses, by heart."""
    shuffled, real = (fit_logistic(str(s), is_shuffled=s).read() for s in (True, False))
    assert len(shuffled) == len(real) == N_ROWS
    found = [roc_auc_score(a["response"], a["probability"]) for a in (shuffled, real)]
    assert found[0] == pytest.approx(0.5, abs=0.04)
    assert found[1] > 0.75
