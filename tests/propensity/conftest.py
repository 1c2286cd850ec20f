from collections.abc import Callable
from pathlib import Path

import pytest

from propensity.contract import Contract, load_contract

SOUND = {
    "id": "1", "Gender": "Male", "Age": "44", "Driving_License": "1", "Region_Code": "28.0",
    "Previously_Insured": "0", "Vehicle_Age": "> 2 Years", "Vehicle_Damage": "Yes",
    "Annual_Premium": "40454.0", "Policy_Sales_Channel": "26.0", "Vintage": "217", "Response": "1",
}  # fmt: skip
HEADER = ",".join(SOUND)


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
