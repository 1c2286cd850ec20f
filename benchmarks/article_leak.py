"""Oversample before the split: what a forest seems to reach, and what it does reach."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from article_labels import oversample
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, roc_auc_score

from propensity.folds import N_FOLDS
from propensity.ingest.contract import load_contract
from propensity.metrics.intervals import Interval
from propensity.model.encoder import fit_encoder

CONTRACT = load_contract()
N_TREES = 10
N_THREADS = 2
HELD_OUT_SHARE = 0.2
N_RESAMPLES = 100


@dataclass(frozen=True)
class Judged:
    """Quality on some rows; intervals draw policyholders, with all their copies.

    Args:
        n_rows: Rows judged, copies counted.
        prevalence: Share of ones among them.
        f1: Of the positive class, threshold 0.5.
        f1_interval: 95 %.
        roc_auc: Chance that a one is scored above a zero.
        roc_auc_interval: 95 %.
    """

    n_rows: int
    prevalence: float
    f1: float
    f1_interval: Interval
    roc_auc: float
    roc_auc_interval: Interval

    @property
    def no_skill_f1(self) -> float:
        """F1 of calling everybody."""
        return 2 * self.prevalence / (1 + self.prevalence)


@dataclass(frozen=True)
class Leak:
    """The same forest judged in three ways.

    Args:
        copied_share: Of the ones held out at random, those with a copy among the training rows.
        leaked: Oversampled, then split at random.
        honest: The same rows, each scored by a forest that saw no row of that policyholder.
        as_in_book: Every policyholder once, by the same honest forests.
    """

    copied_share: float
    leaked: Judged
    honest: Judged
    as_in_book: Judged


def measure_leak(rows: pa.Table, seed: int = 0) -> Leak:
    """Fit the forest once as tutorials do, and once for each stable fold.

    Args:
        rows: Labelled policyholders with fold and features.
        seed: Of sampling, split and forests.
    """
    # labels as numbers: the encoder only renames values here, it learns nothing of the response
    inputs = np.hstack(fit_encoder(rows, CONTRACT).encode(rows))
    responses, folds = rows["response"].to_numpy(), rows["fold"].to_numpy()
    picked = oversample(responses, seed)
    held_out = np.random.default_rng(seed).random(len(picked)) < HELD_OUT_SHARE
    trained, tested = picked[~held_out], picked[held_out]
    leaked = _fit_forest(inputs[trained], responses[trained], seed)(inputs[tested])
    honest = np.empty(len(responses))
    for k in range(N_FOLDS):
        others = picked[folds[picked] != k]
        score = _fit_forest(inputs[others], responses[others], seed)
        honest[folds == k] = score(inputs[folds == k])
    ones = tested[responses[tested] == 1]
    return Leak(
        float(np.isin(ones, trained).mean()),
        judge(tested, responses[tested], leaked),
        judge(tested, responses[tested], honest[tested]),
        judge(np.arange(len(responses)), responses, honest),
    )


def _fit_forest(
    inputs: NDArray[Any], responses: NDArray[Any], seed: int
) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    forest = RandomForestClassifier(N_TREES, n_jobs=N_THREADS, random_state=seed)
    forest.fit(inputs, responses)
    return lambda others: np.asarray(forest.predict_proba(others)[:, 1])


def judge(people: NDArray[Any], responses: NDArray[Any], scores: NDArray[Any]) -> Judged:
    """Judge scores, shape (n,); a policyholder who comes twice is drawn twice or not at all."""
    rng = np.random.default_rng(0)
    draws = [rng.poisson(1.0, people.max() + 1)[people] for _ in range(N_RESAMPLES)]
    called = scores >= 0.5  # noqa: PLR2004  (as in tutorials)

    def resample(measure: Callable[..., float], given: NDArray[Any]) -> Interval:
        drawn = [measure(responses, given, sample_weight=weights) for weights in draws]
        return Interval(*(float(q) for q in np.quantile(drawn, [0.025, 0.975])))

    return Judged(
        len(people),
        float(responses.mean()),
        float(f1_score(responses, called)),
        resample(f1_score, called),
        float(roc_auc_score(responses, scores)),
        resample(roc_auc_score, scores),
    )
