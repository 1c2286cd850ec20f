"""The imbalance strategies side by side: records, where they are written, and in which file."""

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
"""All but F1, which every arm has."""


@dataclass(frozen=True)
class ComparedArm:
    """One way to treat the imbalance, or a baseline, judged on cross-fitted scores.

    What a baseline does not have is None: a rule has no probabilities and takes no time to fit.

    Args:
        name: Of the strategy or baseline.
        f1: At the thresholds chosen for F1 on the other folds.
        f1_low: Lower end of its 95 % interval.
        f1_high: Upper end.
        metrics: Every other metric of the catalog by name, with the odds put right, smoothed, and
            recalibrated where that helps; by `raw_name` also that of the raw probability.
        f1_at_half: F1 when everyone with a raw probability of at least 0.5 is called: nothing put
            right, no threshold chosen, as in many a tutorial.
        fit_seconds: Of all members together.
        n_training_rows: Rows that the epochs of the members were drawn from, all together.
        difference: F1 less that of the arm `none`, on the same policyholders.
        difference_low: Lower end of its paired 95 % interval.
        difference_high: Upper end.
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
        """Return a row of a table: fields and metrics by name; None where it has no such metric."""
        row = dataclasses.asdict(self)
        del row["metrics"]
        return row | dict.fromkeys(METRIC_COLUMNS) | dict(self.metrics)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """Read what to_row returned, also with metrics of another version of this software."""
        own = {f.name: row[f.name] for f in dataclasses.fields(cls) if f.name in row}
        metrics = {n: value for n, value in row.items() if n not in own and value is not None}
        return cls(**own, metrics=metrics)


@dataclass(frozen=True)
class Comparison:
    """All arms on the same policyholders and folds.

    Args:
        as_of: Date of the book.
        n_labelled: Policyholders judged.
        prevalence: Share of ones among them.
        arms: In the order they are shown.
        conclusion: One sentence, computed from the intervals.
    """

    as_of: dt.date
    n_labelled: int
    prevalence: float
    arms: tuple[ComparedArm, ...]
    conclusion: str

    def save(self, folder: Path) -> Path:
        """Write the arms as Parquet, what holds for all of them as its metadata."""
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
        """Read what save wrote."""
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
    """Return the comparison of strategies written last, of those this software can read."""
    files = folder.glob(f"*/{FILE_NAME}")
    for path in sorted(files, key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            return Comparison.load(path)
        except (pa.ArrowException, KeyError, TypeError, ValueError):
            continue  # of another version of this software: an older one may fit
    return None


@dataclass(frozen=True)
class OpenComparison:
    """A comparison under way: what to read, where to write, by which rules."""

    files: tuple[Path, ...]
    config: NightlyConfig
    contract: Contract
    folder: Path

    @property
    def curated(self) -> Path:
        """Parts of checked rows, for as long as it is under way, and rejected.csv."""
        return self.folder / "curated"

    @property
    def arms(self) -> Path:
        """Members and scores of each arm, for as long as it is under way."""
        return self.folder / "arms"


def open_comparison(
    config: NightlyConfig, strategies: Collection[StrategyName], workspace: Workspace
) -> OpenComparison:
    """Find the files, and name the folder by the date and what is compared on which book.

    Raises:
        InputError: No such files.
    """
    files, contract = find_files(config.csv), load_contract()
    decisive = config.decisive | {"strategies": sorted(strategies)}
    told = digest_files(files) + digest_config(contract.digest, decisive)
    name = f"{config.as_of:%Y-%m-%d}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    folder = workspace.comparisons / name
    return OpenComparison(tuple(files), config, contract, folder)
