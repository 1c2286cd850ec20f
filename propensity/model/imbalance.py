"""How the imbalance is treated in training: which rows a member learns from, and how they count.

A strategy sees the responses of training rows and nothing else, so it cannot touch a row that is
validated, judged or scored: those keep the prevalence of the source. What it does to the odds is
returned with it and undone in the scores (propensity/model/prior_correction.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from propensity.metrics.class_balance import balance_weights
from propensity.settings import StrategyName

LossName = Literal["cross_entropy", "focal", "soft_f1"]


@dataclass(frozen=True)
class TrainingPlan:
    """What a member learns from.

    Args:
        rows: Indices of the training rows of an epoch, shape (m,); one that is drawn twice is
            there twice.
        class_weights: Of a zero and of a one in the loss; their mean over rows is 1.
        odds_weights: How much a zero and a one of the source count in training, by weight or by
            resampling: what the probabilities have to be corrected for.
        loss: What is minimised.
    """

    rows: NDArray[np.int64]
    class_weights: tuple[float, float] = (1.0, 1.0)
    odds_weights: tuple[float, float] = (1.0, 1.0)
    loss: LossName = "cross_entropy"


def plan_training(strategy: StrategyName, responses: NDArray[Any], seed: int) -> TrainingPlan:
    """Treat the imbalance of the training rows of one member.

    Args:
        strategy: `none`: as they are. `class_weight`: all rows, both classes weigh the same.
            `undersample`: all ones, as many zeros drawn without replacement. `oversample`: all
            rows, and ones drawn again until there are as many. `focal`: all rows, focal loss (Lin
            et al. 2017). `soft_f1`: all rows, one less the F1 of the probabilities of a batch.
        responses: 0 or 1 of the training rows, shape (n,), both present.
        seed: Of the draw.
    """
    return _plans[strategy](np.asarray(responses), seed)


def _keep(responses: NDArray[Any], _seed: int) -> TrainingPlan:
    return TrainingPlan(np.arange(len(responses)))


def _weigh(responses: NDArray[Any], _seed: int) -> TrainingPlan:
    weights = balance_weights(responses)
    return TrainingPlan(np.arange(len(responses)), class_weights=weights, odds_weights=weights)


def _draw_fewer(responses: NDArray[Any], seed: int) -> TrainingPlan:
    from imblearn.under_sampling import RandomUnderSampler  # a second, and only where it is used

    return _resample(RandomUnderSampler(random_state=seed), responses)


def _draw_more(responses: NDArray[Any], seed: int) -> TrainingPlan:
    from imblearn.over_sampling import RandomOverSampler

    return _resample(RandomOverSampler(random_state=seed), responses)


def _resample(sampler: Any, responses: NDArray[Any]) -> TrainingPlan:
    index = np.arange(len(responses))
    sampler.fit_resample(index[:, None], responses)
    rows = np.sort(sampler.sample_indices_)
    drawn = np.bincount(responses[rows], minlength=2) / np.bincount(responses, minlength=2)
    return TrainingPlan(rows, odds_weights=(float(drawn[0]), float(drawn[1])))


def _keep_with(loss: LossName) -> Callable[[NDArray[Any], int], TrainingPlan]:
    return lambda responses, _seed: TrainingPlan(np.arange(len(responses)), loss=loss)


_plans: dict[StrategyName, Callable[[NDArray[Any], int], TrainingPlan]] = {
    "none": _keep,
    "class_weight": _weigh,
    "undersample": _draw_fewer,
    "oversample": _draw_more,
    "focal": _keep_with("focal"),
    "soft_f1": _keep_with("soft_f1"),
}
