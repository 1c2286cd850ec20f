"""The imbalance strategies side by side: records, and the file they are kept in."""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

FILE_NAME = "comparison.parquet"


@dataclass(frozen=True)
class ComparedArm:
    """One way to treat the imbalance, or a baseline, judged on cross-fitted scores.

    What a baseline does not have is None: a rule has no probabilities and takes no time to fit.

    Args:
        name: Of the strategy or baseline.
        f1: At the thresholds chosen for F1 on the other folds.
        f1_low: Lower end of its 95 % interval.
        f1_high: Upper end.
        f1_at_half: F1 when everyone with a raw probability of at least 0.5 is called: no prior
            correction, no threshold chosen, as in many a tutorial.
        precision: Share of the predicted that said yes.
        recall: Share of those that said yes who were predicted.
        average_precision: Area under the precision-recall curve.
        roc_auc: Chance that a yes is scored above a no.
        brier_before: Mean squared error of the raw probability.
        brier: After prior correction (and calibration, where it helps).
        calibration_error_before: Mean gap of the raw probability, 20 equal-mass bins.
        calibration_error: After correction.
        fit_seconds: Of all members together.
        n_training_rows: Rows that the members learnt from in an epoch, all together.
        difference: F1 less that of the arm `none`, on the same policyholders.
        difference_low: Lower end of its paired 95 % interval.
        difference_high: Upper end.
    """

    name: str
    f1: float
    f1_low: float
    f1_high: float
    f1_at_half: float | None
    precision: float
    recall: float
    average_precision: float | None
    roc_auc: float | None
    brier_before: float | None
    brier: float | None
    calibration_error_before: float | None
    calibration_error: float | None
    fit_seconds: float | None
    n_training_rows: int | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None


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
        path, unfinished = folder / FILE_NAME, folder / f"{FILE_NAME}.unfinished"
        facts = {f.name: str(getattr(self, f.name)) for f in dataclasses.fields(self)}
        del facts["arms"]
        table = pa.Table.from_pylist([dataclasses.asdict(arm) for arm in self.arms])
        pq.write_table(table.replace_schema_metadata(facts), unfinished)
        unfinished.replace(path)
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
            tuple(ComparedArm(**row) for row in table.to_pylist()),
            facts["conclusion"],
        )
