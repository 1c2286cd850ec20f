"""Integer lookup tables that turn 16 random bits into values with the shares in `facts`.

They are several times faster than `Generator.choice(p=...)` and identical on every machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from propensity.simulation import facts

Ints = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float64]

N_SLOTS = 1 << 16
N_AGES = len(facts.AGES_PER_10_000)
N_GROUPS = len(facts.LEADING_CHANNELS) + 1  # the last group holds all other channels


@dataclass(frozen=True)
class Tables:
    """Lookups from bits to values, and thresholds (how many of 65,536 draws are positive)."""

    year: Ints  # (65536,), age minus FIRST_AGE
    group: Ints  # (ages, 4096)
    leading_channel: Ints  # (groups,)
    other_channel: Ints  # (65536,)
    region: Ints  # (groups, 65536)
    young_vehicle: Bits  # (ages, groups)
    middle_vehicle: Bits  # (ages, groups), young ones included
    insured: Bits  # (ages, vehicle ages, groups)
    damaged: Bits  # (insured or not, vehicle ages)
    male: Bits  # (ages,)
    licensed: Bits  # (ages,)
    floor: Bits  # (groups, regions)
    dear: Ints  # (regions,)
    premium: npt.NDArray[np.int32]  # (dear or not, 65536)


@cache
def build_tables() -> Tables:
    """Build the tables from the facts, once per process.

    Returns:
        The tables, 3 MB in all.
    """
    young, old = _vehicle_shares()
    return Tables(
        year=_slots(facts.AGES_PER_10_000),
        group=np.stack([_slots(row, 1 << 12) for row in _channel_shares()]),
        leading_channel=np.array([*facts.LEADING_CHANNELS, 0], np.uint8),
        other_channel=_other_channels(),
        region=np.stack([_slots(_region_shares(share)) for share in facts.LARGEST_REGION_SHARE]),
        young_vehicle=_threshold(young),
        middle_vehicle=_threshold(1 - old),
        insured=_threshold(_insured_shares()),
        damaged=_threshold(np.array(facts.DAMAGED_SHARE)),
        male=_threshold(_by_age(facts.MALE_SHARE)),
        licensed=_threshold(1 - _by_age(facts.UNLICENSED_SHARE)),
        floor=_threshold(_floor_shares()),
        dear=np.isin(np.arange(len(facts.REGIONS_PER_10_000)), facts.DEAR_REGIONS).view(np.uint8),
        premium=np.stack([_premiums(facts.PREMIUMS), _premiums(facts.DEAR_PREMIUMS)]),
    )


def _slots(shares: npt.ArrayLike, n_slots: int = N_SLOTS) -> Ints:
    """Give each value its share of slots, so that uniform slots yield values in these shares."""
    total = np.cumsum(np.asarray(shares, np.float64))
    edges = np.rint(total / total[-1] * n_slots).astype(np.int64)
    return np.repeat(np.arange(len(edges), dtype=np.uint8), np.diff(edges, prepend=0))


def _threshold(share: Floats) -> Bits:
    return np.rint(np.clip(share, 0, 1) * (N_SLOTS - 1)).astype(np.uint16)


def _by_age(knots: Mapping[int, float]) -> Floats:
    ages = np.arange(facts.FIRST_AGE, facts.FIRST_AGE + N_AGES)
    shares: Floats = np.interp(ages, list(knots), list(knots.values()))
    return shares


def _channel_shares() -> Floats:
    knots = facts.CHANNELS_PER_1_000_BY_AGE
    columns = zip(*knots.values(), strict=True)
    return np.stack([_by_age(dict(zip(knots, column, strict=True))) for column in columns], axis=1)


def _vehicle_shares() -> tuple[Floats, Floats]:
    channels = np.array([*facts.LEADING_CHANNELS, 0])
    new = np.isin(channels, facts.NEW_VEHICLE_CHANNELS)
    second = np.isin(channels, facts.SECOND_CHANNELS)
    young = np.where(
        second,
        _by_age(facts.SECOND_YOUNG_VEHICLE_SHARE)[:, None],
        _by_age(facts.YOUNG_VEHICLE_SHARE)[:, None],
    )
    young = np.where(new, _by_age(facts.NEW_CHANNEL_YOUNG_VEHICLE_SHARE)[:, None], young)
    return young, np.where(new, 0.0, _by_age(facts.OLD_VEHICLE_SHARE)[:, None])


def _other_channels() -> Ints:
    named = (*facts.LEADING_CHANNELS, *facts.LATER_CHANNELS, *facts.UNUSED_CHANNELS)
    rare = [code for code in range(1, facts.LAST_CHANNEL + 1) if code not in named]
    codes = np.array([*facts.LATER_CHANNELS, *rare], np.uint8)
    return codes[_slots(facts.RANK_DECAY ** np.arange(len(codes)))]


def _region_shares(largest_share: float) -> Floats:
    shares = np.array(facts.REGIONS_PER_10_000, np.float64)
    shares[facts.LARGEST_REGION] = 0
    shares *= (1 - largest_share) / np.cumsum(shares)[-1]
    shares[facts.LARGEST_REGION] = largest_share
    return shares


def _insured_shares() -> Floats:
    young = np.outer(_by_age(facts.INSURED_FACTOR_YOUNG_VEHICLE), facts.INSURED_SHARE_YOUNG_VEHICLE)
    middle = np.outer(
        _by_age(facts.INSURED_FACTOR_MIDDLE_VEHICLE), facts.INSURED_SHARE_MIDDLE_VEHICLE
    )
    return np.stack([young, middle, np.full_like(young, facts.INSURED_SHARE_OLD_VEHICLE)], axis=1)


def _floor_shares() -> Floats:
    share = np.array(facts.FLOOR_SHARE)
    factor = [facts.FLOOR_ODDS.get(code, 1.0) for code in range(len(facts.REGIONS_PER_10_000))]
    odds: Floats = np.outer(share / (1 - share), factor)
    return odds / (1 + odds)


def _premiums(rupees: Sequence[float]) -> npt.NDArray[np.int32]:
    uniform = (np.arange(N_SLOTS) + 0.5) / N_SLOTS
    return np.rint(np.interp(uniform, facts.PREMIUM_QUANTILES, rupees)).astype(np.int32)
