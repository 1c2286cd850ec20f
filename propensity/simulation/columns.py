"""Draw the columns of simulated policyholders, each from a table given the columns before it.

Order: age; channel given age; region given channel; vehicle age given age and channel; previously
insured given age, channel and vehicle age; vehicle damage given the last two; gender and licence
given age; premium given channel and region; vintage independently.

Every draw looks up 16 random bits in a table of `tables`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from propensity.simulation import facts
from propensity.simulation.tables import N_GROUPS, N_SLOTS, Bits, Ints, Tables, build_tables

N_DRAWS = 12  # draws per row, 16 bits each


@dataclass(frozen=True)
class Policyholders:
    """Columns of a block of policyholders; every array has shape (n_rows,).

    Attributes:
        age: Years, 20 to 85.
        channel: Policy_Sales_Channel, 1 to 163.
        region: Region_Code, 0 to 52.
        vehicle_age: Index into `facts.VEHICLE_AGES`.
        insured: 1 where Previously_Insured is 1.
        damaged: 1 where Vehicle_Damage is Yes.
        male: 1 where Gender is Male.
        licensed: 1 where Driving_License is 1.
        premium: Annual_Premium, whole rupees.
        vintage: Days, 10 to 299.
    """

    age: Ints
    channel: Ints
    region: Ints
    vehicle_age: Ints
    insured: Ints
    damaged: Ints
    male: Ints
    licensed: Ints
    premium: npt.NDArray[np.int32]
    vintage: Bits

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Convert rows in the schema and spelling of the real table.

        Args:
            frame: One row per policyholder; columns beyond the ten features are ignored.

        Returns:
            The same policyholders as codes.

        Raises:
            ValueError: A category has an unknown spelling.
            KeyError: A column is missing.
        """
        return cls(
            age=_whole(frame["Age"]),
            channel=_whole(frame["Policy_Sales_Channel"]),
            region=_whole(frame["Region_Code"]),
            vehicle_age=_position(frame["Vehicle_Age"], facts.VEHICLE_AGES),
            insured=_whole(frame["Previously_Insured"]),
            damaged=_position(frame["Vehicle_Damage"], facts.DAMAGES),
            male=_position(frame["Gender"], facts.GENDERS),
            licensed=_whole(frame["Driving_License"]),
            premium=frame["Annual_Premium"].to_numpy(np.int32),
            vintage=frame["Vintage"].to_numpy(np.uint16),
        )


def draw_policyholders(n_rows: int, rng: np.random.Generator) -> Policyholders:
    """Draw policyholders at random.

    Args:
        n_rows: Number of policyholders.
        rng: Source of the random bits, 24 bytes per row.

    Returns:
        The columns of the policyholders.
    """
    bits = iter(rng.integers(0, N_SLOTS, size=(N_DRAWS, n_rows), dtype=np.uint16))
    tables = build_tables()
    year = tables.year[next(bits)]  # age minus FIRST_AGE
    group = tables.group[year, next(bits) >> 4]
    others = tables.other_channel[next(bits)]
    channel = np.where(group == N_GROUPS - 1, others, tables.leading_channel[group])
    region = tables.region[group, next(bits)]
    draw = next(bits)
    not_young = draw >= tables.young_vehicle[year, group]
    old = draw >= tables.middle_vehicle[year, group]
    vehicle_age = not_young.view(np.uint8) + old.view(np.uint8)
    insured = _happens(tables.insured[year, vehicle_age, group], next(bits))
    return Policyholders(
        age=year + np.uint8(facts.FIRST_AGE),
        channel=channel,
        region=region,
        vehicle_age=vehicle_age,
        insured=insured,
        damaged=_happens(tables.damaged[insured, vehicle_age], next(bits)),
        male=_happens(tables.male[year], next(bits)),
        licensed=_happens(tables.licensed[year], next(bits)),
        premium=_draw_premium(tables, group, region, (next(bits), next(bits))),
        vintage=_draw_vintage(next(bits)),
    )


def _happens(threshold: Bits, bits: Bits) -> Ints:
    return (bits < threshold).view(np.uint8)


def _draw_premium(
    tables: Tables, group: Ints, region: Ints, bits: tuple[Bits, Bits]
) -> npt.NDArray[np.int32]:
    above = tables.premium[tables.dear[region], bits[0]]
    return np.where(bits[1] < tables.floor[group, region], np.int32(facts.PREMIUM_FLOOR), above)


def _draw_vintage(bits: Bits) -> Bits:
    # Multiplying and shifting avoids a division; the bias is below one in 65,536.
    days = (bits.astype(np.uint32) * np.uint32(facts.N_VINTAGES)) >> np.uint32(16)
    return days.astype(np.uint16) + np.uint16(facts.FIRST_VINTAGE)


def _whole(column: pd.Series) -> Ints:
    return column.to_numpy(np.uint8)


def _position(column: pd.Series, spellings: Sequence[str]) -> Ints:
    position = pd.Index(spellings).get_indexer(pd.Index(column))
    if (position < 0).any():
        found = column.iloc[int((position < 0).argmax())]
        raise ValueError(f"{column.name} is {found!r}, expected one of {', '.join(spellings)}")
    return position.astype(np.uint8)
