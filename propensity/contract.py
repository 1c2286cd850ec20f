"""The contract: one declaration per column of the policyholder table.

Everything else derives from it: what ingest checks, what the encoder encodes, what the report says.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
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
"""Columns of the SQL tables that a contract may fill from its own."""
INSURANCE = Path(__file__).parent / "contracts" / "insurance.toml"


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it may hold, what it means.

    `range` bounds are inclusive and in `unit`; `domain` lists the only values allowed;
    `published_as` names the column of the SQL tables that shows it to marketing, if one does.
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
        """Name in the curated Parquet: the role for the id and the response, else its own."""
        return self.role if self.role in ("policyholder_id", "response") else self.name

    @property
    def expectation(self) -> str:
        """What a value must be, in words for an error message."""
        return self._allowed + (", or blank" if self.optional else "")

    @property
    def _allowed(self) -> str:
        if self.domain is not None:
            return "one of " + ", ".join(repr(v) for v in self.domain)
        kind = {"string": "text", "float64": "a number"}.get(self.dtype, "a whole number")
        bounds = f" from {self.range[0]} to {self.range[1]}" if self.range else f" ({self.dtype})"
        return kind + bounds + (f" {self.unit}" if self.unit else "")


@dataclass(frozen=True)
class Rule:
    """The baseline that calls everyone for whom all values in `where` hold."""

    description: str
    where: tuple[tuple[str, str | int], ...]


@dataclass(frozen=True)
class Contract:
    """All columns of one table, the baseline rule, and the digest of the file that says so."""

    name: str
    columns: tuple[Column, ...]
    rule: Rule
    digest: str

    @cached_property
    def policyholder_id(self) -> Column:
        """The column that identifies a policyholder."""
        return self._with_role("policyholder_id")[0]

    @cached_property
    def response(self) -> Column:
        """The column to be learnt: 1, 0 or blank."""
        return self._with_role("response")[0]

    @cached_property
    def categories(self) -> tuple[Column, ...]:
        """Feature columns whose values are labels."""
        return self._with_role("category")

    @cached_property
    def numerics(self) -> tuple[Column, ...]:
        """Feature columns whose values are quantities."""
        return self._with_role("numeric")

    @property
    def features(self) -> tuple[Column, ...]:
        """All columns the model may see."""
        return self.categories + self.numerics

    def published_as(self, name: str) -> Column | None:
        """Return the column that the SQL tables show under a name, if one is."""
        return next((c for c in self.columns if c.published_as == name), None)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the curated parts: the columns, and the stable fold."""
        fields = [pa.field(c.curated_name, c.arrow_type) for c in self.columns]
        return pa.schema([*fields, pa.field("fold", pa.int8())])

    def _with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.role == role)


def load_contract(path: Path = INSURANCE) -> Contract:
    """Read and check a contract.

    Args:
        path: TOML file; see contracts/insurance.toml for its form.

    Raises:
        ContractError: An unknown role or dtype, a name used twice, a role nobody has, values that
            do not fit the dtype, a rule on something else than features.
    """
    text = path.read_bytes()
    try:
        raw = tomllib.loads(text.decode())
        columns = tuple(_read_column(path, entry) for entry in raw["columns"])
        rule = Rule(raw["rule"]["description"], tuple(raw["rule"]["where"].items()))
        contract = Contract(raw["name"], columns, rule, hashlib.sha256(text).hexdigest())
    except KeyError as error:
        raise ContractError(f"{path.name} has no {error}") from error
    except ValueError as error:
        raise ContractError(f"{path.name}: {error}", expected="TOML in UTF-8") from error
    _check(path, contract)
    return contract


def _read_column(path: Path, entry: dict[str, Any]) -> Column:
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
    if column.range and not (len(column.range) == 2 and column.range[0] <= column.range[1]):  # noqa: PLR2004
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


def _check(path: Path, contract: Contract) -> None:
    names = [c.curated_name for c in contract.columns] + ["fold"]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ContractError(f"{path.name} declares {', '.join(twice)} more than once")
    published = [c.published_as for c in contract.columns if c.published_as]
    if len(published) > len(set(published)):
        raise ContractError(f"{path.name} publishes two columns under one name: {published}")
    for role in get_args(Role):
        if not any(c.role == role for c in contract.columns):
            raise ContractError(f"{path.name} has no column with role {role!r}")
    features = {c.name: c for c in contract.features}
    for name, value in contract.rule.where:
        domain = features[name].domain if name in features else ()
        if domain is not None and value not in domain:
            found = f"{path.name}: the rule asks for {name} = {value!r}"
            raise ContractError(found, expected="a feature and a value of its domain")
