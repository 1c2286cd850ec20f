"""How the imbalance is treated in training: which rows a member learns from, and how they count.

A strategy sees the training rows of one member and nothing else, so it cannot touch a row that is
validated, judged or scored: those keep the prevalence of the source. What it does to the odds is
returned with it and undone in the scores (propensity/model/prior_correction.py).
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
    """What a member learns from.

    Args:
        rows: Indices of the training rows of an epoch, shape (m,); one that is drawn twice is
            there twice. Made rows are counted on after the last of the n training rows: n + i.
        class_weights: Of a zero and of a one in the loss; their mean over rows is 1.
        odds_weights: How much a zero and a one of the source count in training, by weight or by
            resampling: what the probabilities have to be corrected for.
        loss: What is minimised.
        made: Rows that the strategy made, which no policyholder stands for.
    """

    rows: NDArray[np.int64]
    class_weights: tuple[float, float] = (1.0, 1.0)
    odds_weights: tuple[float, float] = (1.0, 1.0)
    loss: LossName = "cross_entropy"
    made: EncodedRows | None = None

    @property
    def n_made(self) -> int:
        """How many rows were made."""
        return 0 if self.made is None else len(self.made.responses)


Plan = Callable[[EncodedRows, int], TrainingPlan]


def plan_training(strategy: StrategyName, rows: EncodedRows, seed: int) -> TrainingPlan:
    """Treat the imbalance of the training rows of one member.

    Args:
        strategy: `none`: as they are. `class_weight`: all rows, both classes weigh the same.
            `undersample`: all ones, as many zeros drawn without replacement. `oversample`: all
            rows, and ones drawn again until there are as many. `smote_nc`: all rows, and ones made
            between those until there are as many (propensity/model/smote.py). `focal`: all rows,
            focal loss (Lin et al. 2017). `soft_f1`: all rows, one less the F1 of the probabilities
            of a batch.
        rows: The training rows; both responses occur.
        seed: Of the draw.
    """
    return _plans[strategy](rows, seed)


def _keep(rows: EncodedRows, _seed: int) -> TrainingPlan:
    return TrainingPlan(np.arange(len(rows.responses)))


def _weigh(rows: EncodedRows, _seed: int) -> TrainingPlan:
    weights = balance_weights(rows.responses)
    return TrainingPlan(np.arange(len(rows.responses)), class_weights=weights, odds_weights=weights)


def _draw_fewer(rows: EncodedRows, seed: int) -> TrainingPlan:
    from imblearn.under_sampling import RandomUnderSampler  # a second, and only where it is used

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
    """Make ones between ones.

    Counting them as drawn again puts the odds right only about: a made row is not like a real one,
    SMOTE changes p(x | y = 1) and not p(y) alone, so no arithmetic undoes it. What is left is for
    the recalibration of the night (propensity/evaluation/recalibration.py).
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
