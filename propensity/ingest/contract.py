"""The contract: one declaration per column of the policyholder table.

Everything else is derived from it: the checks, the encoding and the texts of the report.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import pyarrow as pa

from propensity.errors import ContractError
from propensity.ingest.contract_column import Column, Role, read_column

INSURANCE = Path(__file__).parent / "contracts" / "insurance.toml"


@dataclass(frozen=True)
class Rule:
    """The baseline that calls every policyholder with all the values in `where`."""

    description: str
    where: tuple[tuple[str, str | int], ...]


@dataclass(frozen=True)
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
        fields = [pa.field(c.curated_name, c.arrow_type) for c in self.columns]
        return pa.schema([*fields, pa.field("fold", pa.int8())])

    def _with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.role == role)


def load_contract(path: Path = INSURANCE) -> Contract:
    """Read and check a contract.

    Args:
        path: TOML file in the form of contracts/insurance.toml.

    Raises:
        ContractError: An unknown role or dtype, a repeated name, a missing role, values that do
            not fit the dtype, or a rule on a column that is not a feature.
    """
    text = path.read_bytes()
    try:
        raw = tomllib.loads(text.decode())
        columns = tuple(read_column(path, entry) for entry in raw["columns"])
        rule = Rule(raw["rule"]["description"], tuple(raw["rule"]["where"].items()))
        contract = Contract(raw["name"], columns, rule, hashlib.sha256(text).hexdigest())
    except KeyError as error:
        raise ContractError(f"{path.name} has no {error}") from error
    except ValueError as error:
        raise ContractError(f"{path.name}: {error}", expected="TOML in UTF-8") from error
    _check(path, contract)
    return contract


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
            found = f"{path.name}: the rule requires {name} = {value!r}"
            raise ContractError(found, expected="a feature and a value of its domain")
