"""One column of the contract: its allowed values, also in words, and reading its declaration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from propensity.errors import ContractError

type_names = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
}
Role = Literal["policyholder_id", "response", "category", "numeric"]
PUBLISHED = ("region_code", "sales_channel")
"""Columns of the SQL tables that a contract may fill from its own columns."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its allowed values, and its meaning.

    `range` bounds are inclusive and in `unit`; `domain` lists the only allowed values;
    `published_as` names the column of the SQL tables that shows it to marketing, if any.
    """

    name: str
    role: Role
    dtype: str
    meaning: str
    unit: str = ""
    domain: tuple[str | int, ...] | None = None
    range: tuple[float, float] | None = None
    optional: bool = False
    published_as: str = ""

    @property
    def arrow_type(self) -> pa.DataType:
        """Type in the curated Parquet."""
        return type_names[self.dtype]

    @property
    def curated_name(self) -> str:
        """Name in the curated Parquet: the role for id and response, otherwise the CSV name."""
        return self.role if self.role in ("policyholder_id", "response") else self.name

    @property
    def expectation(self) -> str:
        """The allowed values, in words for error messages."""
        return self._allowed + (", or blank" if self.optional else "")

    @property
    def _allowed(self) -> str:
        if self.domain is not None:
            return "one of " + ", ".join(repr(v) for v in self.domain)
        kind = {"string": "text", "float64": "a number"}.get(self.dtype, "a whole number")
        bounds = f" from {self.range[0]} to {self.range[1]}" if self.range else f" ({self.dtype})"
        return kind + bounds + (f" {self.unit}" if self.unit else "")


def read_column(path: Path, entry: dict[str, Any]) -> Column:
    """Read and check the declaration of one column.

    Args:
        path: Path of the contract, for error messages.
        entry: The column's table in the TOML.

    Raises:
        ContractError: An unknown key, role or dtype, or values that do not fit the dtype.
    """
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    try:
        column = Column(**fields)
    except TypeError as error:
        raise ContractError(f"{path.name}, column {entry.get('name')!r}: {error}") from error
    for what, value, known in (
        ("role", column.role, get_args(Role)),
        ("dtype", column.dtype, tuple(type_names)),
    ):
        if value not in known:
            found = f"{path.name}, column {column.name!r}: {what} {value!r}"
            raise ContractError(found, expected=f"one of {', '.join(known)}")
    _check_values(path, column)
    return column


def _check_values(path: Path, column: Column) -> None:
    where = f"{path.name}, column {column.name!r}"
    try:
        pa.array(column.domain or (), column.arrow_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ContractError(f"{where}: domain {column.domain}", expected=column.dtype) from error
    if column.range and not (len(column.range) == 2 and column.range[0] <= column.range[1]):  # noqa: PLR2004  (a pair)
        raise ContractError(f"{where}: range {column.range}", expected="[lowest, highest]")
    is_whole = pa.types.is_integer(column.arrow_type)
    if column.published_as and column.published_as not in PUBLISHED:
        found = f"{where}: published_as {column.published_as!r}"
        raise ContractError(found, expected=f"one of {', '.join(PUBLISHED)}")
    if column.published_as and column.dtype not in ("int8", "int16", "int32"):
        raise ContractError(f"{where} is published as {column.dtype}", expected="int8 to int32")
    if column.role == "numeric" and column.optional:
        raise ContractError(f"{where} is optional", expected="a number in every row")
    if column.role == "policyholder_id" and (column.optional or not is_whole):
        raise ContractError(f"{where} is optional or {column.dtype}", expected="whole numbers")
    if column.role == "response" and column.domain != (0, 1):
        raise ContractError(f"{where}: domain {column.domain}", expected="[0, 1]")
