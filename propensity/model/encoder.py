"""The encoder: feature columns -> codes and numbers for the model.

It is fitted on the training rows of one member and saved as JSON in the same folder, because Keras
lookup layers have lost their state on reload.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from propensity.errors import ModelError
from propensity.ingest.contract import Contract
from propensity.storage.atomic_write import write_whole

UNKNOWN = 0
MIN_ROWS_OF_VALUE = 20
"""Values in fewer rows share the unknown bucket, so that it is trained too."""
N_BINS = 16
"""Bins of a number, of about equal size."""


@dataclass(frozen=True)
class Encoder:
    """The encoding of each feature for one member.

    Args:
        categories: Column -> its known values; the i-th has the code i + 1, all others 0.
        edges: Column -> increasing edges of its bins, in the column's unit.
    """

    categories: dict[str, list[str | int]]
    edges: dict[str, list[float]]

    def encode(self, rows: pa.Table) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Encode rows.

        Returns:
            Codes, shape (n, number of categories), and numbers, shape (n, number of numerics).
        """
        codes = [_code(rows[name], known) for name, known in self.categories.items()]
        numbers = [rows[name].to_numpy() for name in self.edges]
        return (
            np.stack(codes, axis=1).astype(np.int32),
            np.stack(numbers, axis=1).astype(np.float32),
        )

    @property
    def n_codes(self) -> list[int]:
        """Number of codes of each category, including the unknown bucket."""
        return [len(known) + 1 for known in self.categories.values()]

    @property
    def cuts(self) -> list[list[float]]:
        """Inner edges of the bins of each number, increasing."""
        return [edges[1:-1] for edges in self.edges.values()]

    @property
    def sizes(self) -> list[int]:
        """Number of codes or bins of each feature, categories first."""
        return [*self.n_codes, *(len(cut) + 1 for cut in self.cuts)]

    def save(self, path: Path) -> None:
        """Write the encoder as JSON."""
        with write_whole(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, contract: Contract) -> Self:
        """Read an encoder.

        Raises:
            ModelError: Its columns or their types differ from the features of the contract.
        """
        encoder = cls(**json.loads(path.read_text(encoding="utf-8")))
        has = [*encoder.categories, *encoder.edges]
        expected = [c.name for c in contract.features]
        if has != expected:
            raise ModelError(
                f"{path} encodes {', '.join(has)}",
                expected=f"the features of contract {contract.name}: {', '.join(expected)}",
                todo="Train a new version: this one was trained under another contract",
            )
        try:
            encoder.encode(contract.schema.empty_table())
        except pa.ArrowException as error:
            found = f"{path} encodes other types than contract {contract.name} declares"
            raise ModelError(f"{found}: {error}", todo="Train a new version") from error
        return encoder


def fit_encoder(rows: pa.Table, contract: Contract) -> Encoder:
    """Learn the known values and the bin edges from the training rows of one member."""
    return Encoder(
        {c.name: _find_known(rows[c.name]) for c in contract.categories},
        {c.name: _find_edges(rows[c.name].to_numpy()) for c in contract.numerics},
    )


def bin_numbers(
    codes: NDArray[np.int32], numbers: NDArray[np.float32], cuts: Sequence[Sequence[float]]
) -> NDArray[np.int32]:
    """Cut numbers into bins.

    Args:
        codes: Codes of the categories, shape (n, number of categories).
        numbers: Numbers, shape (n, number of numerics).
        cuts: Inner edges of the bins of each number, increasing.

    Returns:
        The codes followed by the bin of each number, shape (n, number of features).
    """
    binned = [
        np.digitize(numbers[:, i], np.array(cut, dtype=np.float32)) for i, cut in enumerate(cuts)
    ]
    return np.column_stack([codes, *binned]).astype(np.int32)


def _code(values: pa.ChunkedArray, known: list[str | int]) -> NDArray[np.int32]:
    found = pc.index_in(values, value_set=pa.array(known, values.type))
    return np.asarray(pc.add(pc.fill_null(found, -1), 1))


def _find_known(values: pa.ChunkedArray) -> list[str | int]:
    counts = values.drop_null().value_counts().to_pylist()  # a blank is unknown
    return sorted(c["values"] for c in counts if c["counts"] >= MIN_ROWS_OF_VALUE)


def _find_edges(numbers: NDArray[np.float64]) -> list[float]:
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, N_BINS + 1)))
    if len(edges) < 2:  # noqa: PLR2004  (a constant column has one bin)
        edges = np.array([edges[0], edges[0] + 1])
    return [float(e) for e in edges]
