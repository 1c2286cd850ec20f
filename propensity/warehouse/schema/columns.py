"""Naming convention of the constraints, and columns that several tables share."""

from typing import Any

from sqlalchemy import Column, DateTime, Float, MetaData

from propensity.metrics.catalog import Place, find_metrics

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
    """Make a column for a point in time with its time zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def make_quality(table: Place, *, nullable: bool = False) -> list[Column[Any]]:
    """Make the columns for the prevalence and for the metrics that a table stores."""
    meanings = {"prevalence": "share of ones among the known responses"}
    for metric in find_metrics(table):
        meanings |= metric.column_meanings
    return [Column(n, Float, nullable=nullable, comment=c) for n, c in meanings.items()]
