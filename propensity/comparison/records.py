"""Records of a comparison of imbalance strategies, and their file."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from propensity.ingest.contract import Contract, load_contract
from propensity.metrics.catalog import METRICS
from propensity.settings import NightlyConfig, StrategyName
from propensity.storage.atomic_write import write_whole
from propensity.storage.hashing import digest_config, digest_files
from propensity.storage.input_files import find_files
from propensity.storage.workspace import Workspace

FILE_NAME = "comparison.parquet"
METRIC_COLUMNS = [
    name for metric in METRICS[1:] for name in (metric.raw_name, metric.name) if name is not None
]
"""Columns of all metrics except F1, which every arm has."""


@dataclass(frozen=True)
class ComparedArm:
    """An imbalance strategy or a baseline, evaluated on cross-fitted scores.

    Fields that do not apply to a baseline are None: a rule has no probabilities and no fitting.

    Args:
        name: Name of the strategy or baseline.
        f1: F1 at the thresholds chosen for F1 on the other folds.
        f1_low: Lower end of its 95 % interval.
        f1_high: Upper end of its 95 % interval.
        metrics: Every other metric of the catalog by name, after prior correction, smoothing and,
            if it helps, recalibration; under `raw_name` also that of the raw probability.
        f1_at_half: F1 of the raw probability at the threshold 0.5, as in many tutorials.
        fit_seconds: Training time of all members together.
        n_training_rows: Rows that the epochs of all members together were drawn from.
        difference: F1 minus that of the arm `none`, on the same policyholders.
        difference_low: Lower end of its paired 95 % interval.
        difference_high: Upper end of its paired 95 % interval.
    """

    name: str
    f1: float
    f1_low: float
    f1_high: float
    metrics: Mapping[str, float]
    f1_at_half: float | None = None
    fit_seconds: float | None = None
    n_training_rows: int | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None

    def to_row(self) -> dict[str, Any]:
        """Return a table row of fields and metrics by name, None for metrics it does not have."""
        row = dataclasses.asdict(self)
        del row["metrics"]
        return row | dict.fromkeys(METRIC_COLUMNS) | dict(self.metrics)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """Create an arm from a row of to_row, even with metrics of another software version."""
        own = {f.name: row[f.name] for f in dataclasses.fields(cls) if f.name in row}
        metrics = {n: value for n, value in row.items() if n not in own and value is not None}
        return cls(**own, metrics=metrics)


@dataclass(frozen=True)
class Comparison:
    """All arms on the same policyholders and folds.

    Args:
        as_of: Date of the book.
        n_labelled: Number of labelled policyholders.
        prevalence: Share of ones among them.
        arms: Arms in display order.
        conclusion: One sentence, computed from the intervals.
    """

    as_of: dt.date
    n_labelled: int
    prevalence: float
    arms: tuple[ComparedArm, ...]
    conclusion: str

    def save(self, folder: Path) -> Path:
        """Write the arms as Parquet, with the common facts as its metadata."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE_NAME
        facts = {f.name: str(getattr(self, f.name)) for f in dataclasses.fields(self)}
        del facts["arms"]
        table = pa.Table.from_pylist([arm.to_row() for arm in self.arms])
        with write_whole(path) as unfinished:
            pq.write_table(table.replace_schema_metadata(facts), unfinished)
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file that save wrote."""
        table = pq.read_table(path)
        facts = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
        return cls(
            dt.date.fromisoformat(facts["as_of"]),
            int(facts["n_labelled"]),
            float(facts["prevalence"]),
            tuple(ComparedArm.from_row(row) for row in table.to_pylist()),
            facts["conclusion"],
        )


def find_comparison(folder: Path) -> Comparison | None:
    """Return the newest comparison that this version of the software can read."""
    files = folder.glob(f"*/{FILE_NAME}")
    for path in sorted(files, key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            return Comparison.load(path)
        except (pa.ArrowException, AttributeError, KeyError, OSError, TypeError, ValueError):
            continue  # damaged, or written by other software: try an older file
    return None


@dataclass(frozen=True)
class OpenComparison:
    """A comparison in progress: its files, settings, contract and folder."""

    files: tuple[Path, ...]
    config: NightlyConfig
    contract: Contract
    folder: Path

    @property
    def curated(self) -> Path:
        """Folder of the parts of checked rows, kept while in progress, and of rejected.csv."""
        return self.folder / "curated"

    @property
    def arms(self) -> Path:
        """Folder of the scores of each arm, kept while in progress."""
        return self.folder / "arms"


def open_comparison(
    config: NightlyConfig, strategies: Collection[StrategyName], workspace: Workspace
) -> OpenComparison:
    """Find the files, and name the folder by date and a digest of files, settings and strategies.

    Raises:
        InputError: No file matches.
    """
    files, contract = find_files(config.csv), load_contract()
    decisive = config.decisive | {"strategies": sorted(strategies)}
    told = digest_files(files) + digest_config(contract.digest, decisive)
    name = f"{config.as_of:%Y-%m-%d}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    folder = workspace.comparisons / name
    return OpenComparison(tuple(files), config, contract, folder)
