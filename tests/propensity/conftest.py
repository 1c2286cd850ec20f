import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from propensity.ingest.contract import Contract, load_contract
from propensity.metrics.intervals import Interval
from propensity.metrics.records import Evaluation

SOUND = {
    "id": "1", "Gender": "Male", "Age": "44", "Driving_License": "1", "Region_Code": "28.0",
    "Previously_Insured": "0", "Vehicle_Age": "> 2 Years", "Vehicle_Damage": "Yes",
    "Annual_Premium": "40454.0", "Policy_Sales_Channel": "26.0", "Vintage": "217", "Response": "1",
}  # fmt: skip
HEADER = ",".join(SOUND)
QUALITY = Evaluation(
    n_labelled=20_000,
    prevalence=0.12,
    thresholds=(0.2,) * 5,
    mean_probability=0.12,
    metrics={
        "f1": 0.45, "precision": 0.4, "recall": 0.5, "average_precision": 0.35, "roc_auc": 0.85,
        "brier": 0.09, "calibration_error": 0.01,
    },
    intervals={"f1": Interval(0.44, 0.46), "average_precision": Interval(0.34, 0.36)},
)  # fmt: skip
"""Quality of a plausible model; each test changes the figures that it is about."""


def change_quality(quality: Evaluation, **changes) -> Evaluation:
    """Change metrics and their intervals by name (f1, f1_interval), and fields."""
    metrics = {n: changes.pop(n) for n in quality.metrics if n in changes}
    intervals = {
        n: changes.pop(f"{n}_interval") for n in quality.intervals if f"{n}_interval" in changes
    }
    return dataclasses.replace(
        quality,
        metrics={**quality.metrics, **metrics},
        intervals={**quality.intervals, **intervals},
        **changes,
    )


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="session")
def line() -> Callable[..., str]:
    """One sound CSV row with this id; cells by name replace its own, spelt as given."""

    def spell(policyholder_id: int | str = 1, **cells: str) -> str:
        assert set(cells) <= set(SOUND)
        return ",".join({**SOUND, "id": str(policyholder_id), **cells}.values())

    return spell


@pytest.fixture(scope="session")
def book_csv(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write rows under a header to a CSV file in a folder of its own."""

    def write(
        *rows: str, name: str = "book.csv", header: str = HEADER, end: str = "\n", last: bool = True
    ) -> Path:
        text = end.join([header, *rows]) + end * last
        path = tmp_path_factory.mktemp("book") / name
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return write
