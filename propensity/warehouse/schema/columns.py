"""What the tables have in common: how constraints are named, and columns that several have."""

from typing import Any

from sqlalchemy import Column, DateTime, Float, MetaData

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def make_time(name: str, comment: str, *, nullable: bool = False) -> Column[Any]:
    """Make a column of a moment, with its time zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def make_quality(*, nullable: bool = False) -> list[Column[Any]]:
    """Make the columns of metrics that scoring_runs and model_versions both keep."""
    meanings = {
        "prevalence": "share of ones among those whose response is known",
        "f1_score": "cross-fitted F1 at the decision thresholds",
        "f1_low": "lower end of its 95 % interval",
        "f1_high": "upper end of its 95 % interval",
        "average_precision": "area under the precision-recall curve",
        "roc_auc": "chance that a yes is scored above a no",
        "brier": "mean squared error of the probability",
        "calibration_error": "mean gap between predicted and actual share, 20 bins of equally many",
    }
    return [Column(n, Float, nullable=nullable, comment=c) for n, c in meanings.items()]
