"""The response function of simulated policyholders, so that models can be compared with the truth.

    true probability = sigmoid(intercept + signal * (score - centre))

    score = age(Age) + channel(Policy_Sales_Channel) + region(Region_Code)
            - 0.25 [vehicle under 1 year] + 0.05 [over 2 years]
            - 1.20 [no licence] - 0.05 [male] - 0.10 [premium at the floor]
            - 2.05 [N, no damage] - 3.40 [insured, damage] - 6.30 [insured, no damage]
            + 0.80 [N, channel 26, region 28, ages 30-49]
            + 0.45 [N, channel 26, ages from 50]
            - 0.45 [N, channel 124, region 28, ages 30-49]
            + 0.60 [N, channel 124, ages to 27]
            - 0.60 [N, channel 124, region 8, damage]
            + 0.80 [N, channel 152, region 28]
            - 0.60 [N, channel 152, ages from 38]
            + 1.00 [N, region 41, vehicle under 1 year, damage]
            + 0.70 [N, region 46, ages from 50]
            + 0.40 [N, male, ages to 29]
            + 0.40 [N, vehicle over 2 years, ages from 60]

N means not previously insured; [..] is 1 where all its conditions hold, else 0; units are logits.
age() is linear between the points of `AGE_EFFECT`; channel() and region() are `CHANNEL_EFFECT` and
`REGION_EFFECT`, 0 where not listed. Vintage has no effect, as in the real table. Centre and
intercept come from one fixed reference sample, so they do not depend on a seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from propensity.simulation import facts
from propensity.simulation.columns import Policyholders, draw_policyholders

Floats = npt.NDArray[np.float64]

AGE_EFFECT: Final = {
    20: -0.35, 23: -0.20, 26: 0.15, 29: 0.68, 32: 0.82, 37: 0.55, 43: 0.30, 48: 0.22, 53: 0.0,
    58: -0.18, 63: -0.38, 68: -0.58, 75: -0.85, 80: -0.95,
}  # fmt: skip
CHANNEL_EFFECT: Final = {
    152: -0.95, 160: -1.55, 26: -0.25, 122: -0.20, 151: -0.60, 156: -0.20, 163: 0.10, 155: 0.35,
    1: -2.20, 8: -0.50, 11: -0.40, 30: -0.30, 52: -0.25, 7: -0.10, 25: 0.20, 3: 0.30, 31: -0.40,
    13: -0.10, 29: 0.15, 55: -0.15, 12: 0.10, 24: 0.15, 15: -0.30,
}  # fmt: skip
REGION_EFFECT: Final = {
    28: 0.0, 8: 0.0, 11: 0.45, 29: 0.50, 41: 0.30, 18: 0.35, 35: 0.35, 38: 0.40, 3: 0.20,
    30: 0.20, 15: -0.30, 50: -0.55, 47: -0.35, 37: -0.45, 26: -0.60, 27: -0.50, 2: -0.40,
    10: -0.25, 48: -0.30, 36: -0.25, 9: -0.40, 20: -0.30, 32: -0.30, 43: -0.30,
}  # fmt: skip
# Lowest and highest value (inclusive) by attribute of Policyholders.
Ranges = Mapping[str, tuple[int, int]]
OPEN: Final = {"insured": (0, 0)}
DAMAGED: Final = {"damaged": (1, 1)}
JOINT_EFFECTS: Final[tuple[tuple[float, Ranges], ...]] = (
    (0.80, OPEN | {"channel": (26, 26), "region": (28, 28), "age": (30, 49)}),
    (0.45, OPEN | {"channel": (26, 26), "age": (50, 255)}),
    (-0.45, OPEN | {"channel": (124, 124), "region": (28, 28), "age": (30, 49)}),
    (0.60, OPEN | {"channel": (124, 124), "age": (0, 27)}),
    (-0.60, OPEN | {"channel": (124, 124), "region": (8, 8)} | DAMAGED),
    (0.80, OPEN | {"channel": (152, 152), "region": (28, 28)}),
    (-0.60, OPEN | {"channel": (152, 152), "age": (38, 255)}),
    (1.00, OPEN | {"region": (41, 41), "vehicle_age": (0, 0)} | DAMAGED),
    (0.70, OPEN | {"region": (46, 46), "age": (50, 255)}),
    (0.40, OPEN | {"male": (1, 1), "age": (0, 29)}),
    (0.40, OPEN | {"vehicle_age": (2, 2), "age": (60, 255)}),
)

MAX_SIGNAL: Final = 20.0  # beyond any practical value; bounds the search for the intercept
N_REFERENCE: Final = 1 << 20  # rows; gives the prevalence to within 0.00015
REFERENCE_SEED: Final = 20_200_911
INTERCEPT_TOLERANCE: Final = 1e-9  # logits


@dataclass(frozen=True)
class ResponseLaw:
    """How often and how predictably policyholders respond.

    Attributes:
        prevalence: Mean true probability, above 0 and below 1.
        signal: Factor on the centred score; 0 makes everyone equally likely to respond.

    Raises:
        ValueError: Either is out of its range.
    """

    prevalence: float = 0.123
    signal: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 < self.prevalence < 1:
            raise ValueError(f"prevalence is {self.prevalence}, expected above 0 and below 1")
        if not 0 <= self.signal <= MAX_SIGNAL:
            raise ValueError(f"signal is {self.signal}, expected 0 to {MAX_SIGNAL:g}")


def response_probability(people: Policyholders, law: ResponseLaw) -> Floats:
    """Compute the true probability of a response with the formula of this module.

    Args:
        people: Columns of the policyholders.
        law: Prevalence and signal.

    Returns:
        Probabilities, shape (n_rows,).
    """
    centred = _score(people) - _reference().centre
    return _sigmoid(_intercept(law) + law.signal * centred)


def _score(people: Policyholders) -> Floats:
    score = _main_effects(people)
    for effect, ranges in JOINT_EFFECTS:
        score += effect * _holds(people, ranges)
    return score


def _main_effects(people: Policyholders) -> Floats:
    ages = np.interp(np.arange(256), list(AGE_EFFECT), list(AGE_EFFECT.values()))
    score: Floats = ages[people.age]
    score += _by_code(CHANNEL_EFFECT)[people.channel]
    score += _by_code(REGION_EFFECT)[people.region]
    score += np.array([-0.25, 0.0, 0.05])[people.vehicle_age]
    score += np.array([-1.20, 0.0])[people.licensed]
    score += np.array([0.0, -0.05])[people.male]
    score += np.array([[-2.05, 0.0], [-6.30, -3.40]])[people.insured, people.damaged]
    score -= 0.10 * (people.premium == facts.PREMIUM_FLOOR)
    return score


def _holds(people: Policyholders, ranges: Ranges) -> npt.NDArray[np.bool_]:
    holds = np.ones(len(people.age), np.bool_)
    for name, (lowest, highest) in ranges.items():
        column = getattr(people, name)
        holds &= (column >= lowest) & (column <= highest)
    return holds


def _by_code(effects: dict[int, float]) -> Floats:
    table = np.zeros(256)
    table[list(effects)] = list(effects.values())
    return table


@dataclass(frozen=True)
class _Reference:
    """Scores of the reference sample, rounded to thousandths, and the share of rows at each."""

    scores: Floats
    shares: Floats
    centre: float


@cache
def _reference() -> _Reference:
    score = _score(draw_policyholders(N_REFERENCE, np.random.default_rng(REFERENCE_SEED)))
    # With thousandths, each step of the search sums a few thousand values, not a million, and the
    # centre does not depend on the last bits of a mean, which differ between processors.
    thousandths, counts = np.unique(np.rint(score * 1000).astype(np.int64), return_counts=True)
    centre = int(thousandths @ counts) / N_REFERENCE / 1000
    return _Reference(thousandths / 1000, counts / N_REFERENCE, round(centre, 4))


@cache
def _intercept(law: ResponseLaw) -> float:
    """Find the intercept that gives the reference sample the prevalence, by bisection."""
    reference = _reference()
    steps = law.signal * (reference.scores - reference.centre)
    reach = 20.0 + float(np.ptp(steps))
    low, high = -reach, reach
    while high - low > INTERCEPT_TOLERANCE:
        middle = (low + high) / 2
        too_low = float(_sigmoid(middle + steps) @ reference.shares) < law.prevalence
        low, high = (middle, high) if too_low else (low, middle)
    return round(low, 6)


def _sigmoid(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))
