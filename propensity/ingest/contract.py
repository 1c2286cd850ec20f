"""The contract: one declaration per column of the policyholder table.

Everything else is derived from it: the checks, the encoding and the texts of the report.
"""

import difflib
import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, get_args

import pyarrow as pa
from pydantic import BeforeValidator, ConfigDict, StrictInt, StrictStr, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from propensity.errors import ContractError
from propensity.ingest.contract_column import Column, Role

INSURANCE = Path(__file__).parent / "contracts" / "insurance.toml"


UNKNOWN_KEY = "unexpected_keyword_argument"
FORMS = {
    "": "a table of keys and values",
    "rule": "a table [rule]",
    "columns": "tables [[columns]]",
    "where": "features and their values, texts or whole numbers",
    "domain": "a list of texts or whole numbers",
    "range": "[lowest, highest], two numbers",
    "published_as": "'region_code' or 'sales_channel'",
}
"""What a value should be, where pydantic's words are about Python or are several errors."""


def _list_items(where: Any) -> Any:
    return tuple(where.items()) if isinstance(where, dict) else where


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Rule:
    """The baseline that calls every policyholder with all the values in `where`."""

    description: str
    where: Annotated[tuple[tuple[str, StrictStr | StrictInt], ...], BeforeValidator(_list_items)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Contract:
    """All columns of one table, the baseline rule, and the digest of the contract file."""

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
        """The column to predict: 1, 0 or blank."""
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
        """All columns that the model may use."""
        return self.categories + self.numerics

    def published_as(self, name: str) -> Column | None:
        """Return the column that the SQL tables show under this name, if there is one."""
        return next((c for c in self.columns if c.published_as == name), None)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the curated parts: the columns and the stable fold."""
        columns = [pa.field(c.curated_name, c.arrow_type) for c in self.columns]
        return pa.schema([*columns, pa.field("fold", pa.int8())])

    def _with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.role == role)


def load_contract(path: Path = INSURANCE) -> Contract:
    """Read and check a contract.

    Args:
        path: TOML file in the form of contracts/insurance.toml.

    Raises:
        ContractError: An unknown key, role or dtype, a repeated name, a missing role, values that
            do not fit the dtype, or a rule on a column that is not a feature.
    """
    text = path.read_bytes()
    try:
        declared = tomllib.loads(text.decode())
    except ValueError as error:
        raise ContractError(f"{path.name}: {error}", expected="TOML in UTF-8") from error
    try:
        digest = hashlib.sha256(text).hexdigest()
        contract = TypeAdapter(Contract).validate_python(declared | {"digest": digest})
    except ValidationError as error:
        raise _explain(path, declared, error) from error
    for found, expected in _find_contradictions(contract):
        raise ContractError(f"{path.name}: {found}", expected=expected)
    return contract


def _find_contradictions(contract: Contract) -> Iterator[tuple[str, str]]:
    names = [c.curated_name for c in contract.columns] + ["fold"]
    published = [c.published_as for c in contract.columns if c.published_as]
    for name, n_times in Counter(names).items():
        if n_times > 1:
            yield f"{name} is declared more than once", "each name once, and fold for ours only"
    for name, n_times in Counter(published).items():
        if n_times > 1:
            yield f"{n_times} columns are published_as {name!r}", "one at most"
    for role in get_args(Role):
        if not any(c.role == role for c in contract.columns):
            yield f"no column has role {role!r}", "at least one"
    yield from _find_wrong_rule(contract)


def _find_wrong_rule(contract: Contract) -> Iterator[tuple[str, str]]:
    if not contract.rule.where:
        yield "the rule has no condition, where = {}", "a feature and its value"
    features = {c.name: c for c in contract.features}
    for name, value in contract.rule.where:
        if name not in features:
            yield f"the rule is about {name}, which is not a feature", "a feature"
        elif not features[name].allows(value):
            yield f"the rule requires {name} = {value!r}", features[name].expectation


def _explain(path: Path, declared: dict[str, Any], error: ValidationError) -> ContractError:
    """Say in our words what pydantic found first; a misspelt key before the key it should be."""
    first = min(error.errors(), key=lambda found: found["type"] != UNKNOWN_KEY)
    where, place, table, known = path.name, first["loc"], declared, fields(Contract)
    if len(place) > 1 and place[0] == "rule":
        where, place, table, known = f"{where}, rule", place[1:], declared["rule"], fields(Rule)
    elif len(place) > 1 and isinstance(number := place[1], int):
        place, table, known = place[2:], declared["columns"][number], fields(Column)
        is_named = isinstance(table, dict) and "name" in table
        where += f", column {table['name'] if is_named else number + 1!r}"
    key = str(place[0]) if place else ""
    if first["type"] == UNKNOWN_KEY:
        close = difflib.get_close_matches(key, [field.name for field in known], 1)
        todo = f"Did you mean {close[0]!r}? Rename it" if close else "Remove it"
        return ContractError(f"{where}: unknown key {key!r}", todo=todo)
    if first["type"] == "missing" and len(place) == 1:
        return ContractError(f"{where} has no {key!r}")
    if first["type"] == "value_error":
        found, expected = first["ctx"]["error"].args
        return ContractError(f"{where}: {found}", expected=expected)
    found = f"{key} {table[key]!r}" if key else repr(table)
    expected = FORMS.get(key) or first["msg"].removeprefix("Input should be ")
    return ContractError(f"{where}: {found}", expected=expected)
