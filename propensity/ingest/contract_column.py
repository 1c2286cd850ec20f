"""One column of the contract: its allowed values, also in words."""

from collections.abc import Iterator
from typing import Literal, Self

import pyarrow as pa
from pydantic import ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator
from pydantic.dataclasses import dataclass

type_names = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
}
Dtype = Literal["int8", "int16", "int32", "int64", "float64", "string"]
Role = Literal["policyholder_id", "response", "category", "numeric"]
Number = StrictInt | StrictFloat
SMALL = ("int8", "int16", "int32")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Column:
    """One column: its name, its allowed values, and its meaning.

    `range` bounds are inclusive and in `unit`; `domain` lists the only allowed values;
    `published_as` names the column of the SQL tables that shows it to marketing, if any.

    Raises:
        ValueError: A declaration that contradicts itself: what was found, and what was expected.
    """

    name: str
    role: Role
    dtype: Dtype
    meaning: str
    unit: str = ""
    domain: tuple[StrictStr | StrictInt, ...] | None = None
    range: tuple[Number, Number] | None = None
    optional: StrictBool = False
    published_as: Literal["", "region_code", "sales_channel"] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for found, expected in (*self._find_wrong_values(), *self._find_wrong_role()):
            raise ValueError(found, expected)
        return self

    def _find_wrong_values(self) -> Iterator[tuple[str, str]]:
        if self.range and self.dtype == "string":
            yield "range on a column of text", "a domain, or neither"
        for key, values in (("domain", self.domain or ()), ("range", self.range or ())):
            try:
                pa.array(values, self.arrow_type)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                yield f"{key} {list(values)}", f"values of dtype {self.dtype}"
        if self.range and not self.range[0] <= self.range[1]:
            yield f"range {list(self.range)}", "[lowest, highest]"
        if self.published_as and self.dtype not in SMALL:
            yield f"published_as with dtype {self.dtype!r}", f"one of {', '.join(SMALL)}"

    def _find_wrong_role(self) -> Iterator[tuple[str, str]]:
        if self.role in ("policyholder_id", "numeric") and self.optional:
            yield f"optional = true with role {self.role!r}", "a value in every row"
        if self.role == "policyholder_id" and self.dtype not in (*SMALL, "int64"):
            yield (
                f"dtype {self.dtype!r} with role 'policyholder_id'",
                "int64 or smaller",
            )
        if self.role == "numeric" and self.dtype == "string":
            yield "dtype 'string' with role 'numeric'", "a dtype of numbers"
        if self.role == "response" and self.domain != (0, 1):
            found = "no domain" if self.domain is None else f"domain {list(self.domain)}"
            yield f"{found} with role 'response'", "[0, 1]"

    def allows(self, value: str | int) -> bool:
        """Tell whether a value that is not blank satisfies domain, dtype and range."""
        try:
            pa.array([value], self.arrow_type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return False
        if self.domain is not None:
            return value in self.domain
        return self.range is None or self.range[0] <= float(value) <= self.range[1]

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
