"""Imbalance strategies: which rows a member is trained on, with which weights and loss.

A strategy sees only the training rows of one member, so it cannot change rows that are used for
validation, evaluation or scoring: they keep the prevalence of the source. It returns its effect on
the odds, which is undone in the scores (propensity/model/prior_correction.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.class_balance import balance_weights
from propensity.model.encoded_rows import EncodedRows
from propensity.model.smote import make_ones
from propensity.settings import StrategyName

LossName = Literal["cross_entropy", "focal", "soft_f1"]


@dataclass(frozen=True)
class TrainingPlan:
    """The training rows of a member, their weights and the loss.

    Args:
        rows: Indices of the training rows of an epoch, shape (m,); a row drawn twice occurs twice.
            Synthetic row i has the index n + i, where n is the number of training rows.
        class_weights: Weights of a zero and of a one in the loss; their mean over rows is 1.
        odds_weights: Effective weights of a zero and of a one of the source, by class weight or
            resampling, for which the probabilities must be corrected.
        loss: Loss to minimise.
        made: Synthetic rows of the strategy.
    """

    rows: NDArray[np.int64]
    class_weights: tuple[float, float] = (1.0, 1.0)
    odds_weights: tuple[float, float] = (1.0, 1.0)
    loss: LossName = "cross_entropy"
    made: EncodedRows | None = None

    @property
    def n_made(self) -> int:
        """Number of synthetic rows."""
        return 0 if self.made is None else len(self.made.responses)


Plan = Callable[[EncodedRows, int], TrainingPlan]


def plan_training(strategy: StrategyName, rows: EncodedRows, seed: int) -> TrainingPlan:
    """Apply an imbalance strategy to the training rows of one member.

    Args:
        strategy: `none`: all rows, unweighted. `class_weight`: all rows, weighted so that both
            classes count the same. `undersample`: all ones and as many zeros, drawn without
            replacement. `oversample`: all rows, and ones drawn again until the classes are equal.
            `smote_nc`: all rows, and synthetic ones until the classes are equal
            (propensity/model/smote.py). `focal`: all rows, focal loss (Lin et al. 2017).
            `soft_f1`: all rows; the loss is one minus the F1 of the probabilities of a batch.
        rows: Training rows; both responses occur.
        seed: Seed of the draws.
    """
    return _plans[strategy](rows, seed)


def _keep(rows: EncodedRows, _seed: int) -> TrainingPlan:
    return TrainingPlan(np.arange(len(rows.responses)))


def _weigh(rows: EncodedRows, _seed: int) -> TrainingPlan:
    weights = balance_weights(rows.responses)
    return TrainingPlan(np.arange(len(rows.responses)), class_weights=weights, odds_weights=weights)


def _draw_fewer(rows: EncodedRows, seed: int) -> TrainingPlan:
    from imblearn.under_sampling import RandomUnderSampler  # slow import: a second

    return _resample(RandomUnderSampler(random_state=seed), rows.responses)


def _draw_more(rows: EncodedRows, seed: int) -> TrainingPlan:
    from imblearn.over_sampling import RandomOverSampler

    return _resample(RandomOverSampler(random_state=seed), rows.responses)


def _resample(sampler: Any, responses: NDArray[Any]) -> TrainingPlan:
    index = np.arange(len(responses))
    sampler.fit_resample(index[:, None], responses)
    rows = np.sort(sampler.sample_indices_)
    drawn = np.bincount(responses[rows], minlength=2) / np.bincount(responses, minlength=2)
    return TrainingPlan(rows, odds_weights=(float(drawn[0]), float(drawn[1])))


def _make_more(rows: EncodedRows, seed: int) -> TrainingPlan:
    """Add synthetic ones.

    Correcting the odds as if they had been drawn again is only approximate: SMOTE changes
    p(x | y = 1) and not only p(y), which no formula undoes. The night's recalibration has to remove
    the rest (propensity/evaluation/recalibration.py).
    """
    made = make_ones(rows, seed)
    n_rows, n_ones, n_made = len(rows.responses), int(rows.responses.sum()), len(made.responses)
    odds_weights = 1.0, (n_ones + n_made) / n_ones
    return TrainingPlan(np.arange(n_rows + n_made), odds_weights=odds_weights, made=made)


def _keep_with(loss: LossName) -> Plan:
    return lambda rows, _seed: TrainingPlan(np.arange(len(rows.responses)), loss=loss)


_plans: dict[StrategyName, Plan] = {
    "none": _keep,
    "class_weight": _weigh,
    "undersample": _draw_fewer,
    "oversample": _draw_more,
    "smote_nc": _make_more,
    "focal": _keep_with("focal"),
    "soft_f1": _keep_with("soft_f1"),
}
