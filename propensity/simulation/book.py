"""A synthetic book of policyholders, of any size, whose true response probabilities are known.

Schema and marginals follow the public cross-sell table (`facts`), `columns` describes the
dependence between columns, and `response` documents the response function with its interactions.
At the default prevalence and signal the true probability has a ROC AUC of 0.861 and a best F1 of
0.457: no model can do better.

Use it for load tests, demonstrations and checks that training finds a planted signal. A score
reached on it says nothing about real policyholders.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from propensity.simulation import facts
from propensity.simulation.columns import Policyholders, draw_policyholders
from propensity.simulation.files import ROW_SCHEMA, open_book, open_truth
from propensity.simulation.response import ResponseLaw, response_probability

__all__ = ["ResponseLaw", "SimulatedBook", "simulate_book", "simulate_rows", "true_probability"]

# Rows per block. Each block has its own random stream, so changing this changes every book.
BLOCK_ROWS = 250_000
DEFAULT_LAW: Final = ResponseLaw()


@dataclass(frozen=True)
class SimulatedBook:
    """The file that `simulate_book` wrote.

    Attributes:
        path: The CSV file.
        n_rows: Number of policyholders in the file.
        n_labelled: Number of policyholders with a Response.
        prevalence: Share of ones among labelled policyholders; nan if nobody is labelled.
    """

    path: Path
    n_rows: int
    n_labelled: int
    prevalence: float


def simulate_book(  # noqa: PLR0913 - one keyword for each property of the book
    out: Path,
    *,
    n_rows: int,
    seed: int,
    prevalence: float = DEFAULT_LAW.prevalence,
    unlabelled_share: float = 0.0,
    truth: Path | None = None,
    signal: float = DEFAULT_LAW.signal,
    first_id: int = 1,
    on_rows: Callable[[int], None] | None = None,
) -> SimulatedBook:
    """Write a synthetic book as CSV, block by block, so memory does not grow with the book.

    The same arguments give the same bytes. Prevalence, signal and unlabelled share change only the
    Response column. Each file gets its name once it is complete, the truth first.

    Args:
        out: CSV file to write or replace; compressed with gzip if the name ends in .gz.
        n_rows: Number of policyholders, 1 or more.
        seed: Seed of the random numbers, 0 or more.
        prevalence: Expected share of ones, above 0 and below 1.
        unlabelled_share: Expected share of rows with a blank Response, 0 or more and below 1.
        truth: Parquet file to write or replace: policyholder_id and true_probability, all rows.
        signal: Factor on the logits, except the intercept, 0 to 20; 0 means no signal at all.
        first_id: Id of the first row, 0 or more; ids are consecutive.
        on_rows: Called after each block with the number of rows written so far.

    Returns:
        The path of the CSV file and its counts.

    Raises:
        ValueError: An argument is out of its range.
        OSError: A file cannot be written; an existing file of that name is unchanged.
    """
    law = ResponseLaw(prevalence, signal)
    _check_range(n_rows, unlabelled_share, first_id)
    n_written = n_labelled = n_responses = 0
    with ExitStack() as files:
        write_book = files.enter_context(open_book(out))
        write_truth = files.enter_context(open_truth(truth)) if truth else None
        for block, start in enumerate(range(0, n_rows, BLOCK_ROWS)):
            table, probability = simulate_rows(
                min(BLOCK_ROWS, n_rows - start),
                np.random.default_rng([seed, block]),
                law,
                first_id=first_id + start,
                unlabelled_share=unlabelled_share,
            )
            write_book(table)
            if write_truth:
                write_truth(table, probability)
            n_written += table.num_rows
            n_labelled += pc.count(table["Response"]).as_py()
            n_responses += pc.sum(table["Response"]).as_py() or 0
            if on_rows:
                on_rows(n_written)
    share = n_responses / n_labelled if n_labelled else float("nan")
    return SimulatedBook(out, n_written, n_labelled, share)


def simulate_rows(
    n_rows: int,
    rng: np.random.Generator,
    law: ResponseLaw = DEFAULT_LAW,
    *,
    first_id: int = 1,
    unlabelled_share: float = 0.0,
) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Draw one block of policyholders and their responses.

    Args:
        n_rows: Number of policyholders.
        rng: Source of the random numbers.
        law: Prevalence and signal of the response.
        first_id: Id of the first row; ids are consecutive.
        unlabelled_share: Expected share of rows with a null Response.

    Returns:
        The rows in the schema of the real table, and their true probabilities, shape (n_rows,).
    """
    people = draw_policyholders(n_rows, rng)
    probability = response_probability(people, law)
    response = (rng.random(n_rows) < probability).view(np.uint8)
    unlabelled = rng.random(n_rows) < unlabelled_share
    columns = {
        "id": pa.array(np.arange(first_id, first_id + n_rows, dtype=np.int64)),
        "Gender": _spelt(people.male, facts.GENDERS),
        "Age": pa.array(people.age),
        "Driving_License": pa.array(people.licensed),
        "Region_Code": pa.array(people.region.astype(np.float64)),
        "Previously_Insured": pa.array(people.insured),
        "Vehicle_Age": _spelt(people.vehicle_age, facts.VEHICLE_AGES),
        "Vehicle_Damage": _spelt(people.damaged, facts.DAMAGES),
        "Annual_Premium": pa.array(people.premium.astype(np.float64)),
        "Policy_Sales_Channel": pa.array(people.channel.astype(np.float64)),
        "Vintage": pa.array(people.vintage),
        "Response": pa.array(response, mask=unlabelled),
    }
    return pa.table(columns, schema=ROW_SCHEMA), probability


def true_probability(
    frame: pd.DataFrame, law: ResponseLaw = DEFAULT_LAW
) -> npt.NDArray[np.float64]:
    """Return the true response probability of rows in the schema of the real table.

    Args:
        frame: The ten features, spelt as in the file; further columns are ignored.
        law: Prevalence and signal with which the book was simulated.

    Returns:
        Probabilities, shape (n_rows,); `response` documents the formula.

    Raises:
        ValueError: A category has an unknown spelling.
        KeyError: A feature is missing.
    """
    return response_probability(Policyholders.from_frame(frame), law)


def _check_range(n_rows: int, unlabelled_share: float, first_id: int) -> None:
    if n_rows < 1:
        raise ValueError(f"n_rows is {n_rows}, expected 1 or more")
    if not 0 <= unlabelled_share < 1:
        raise ValueError(f"unlabelled_share is {unlabelled_share}, expected 0 or more and below 1")
    if first_id < 0:
        raise ValueError(f"first_id is {first_id}, expected 0 or more")


def _spelt(position: npt.NDArray[np.uint8], spellings: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(position.view(np.int8), pa.array(spellings))
