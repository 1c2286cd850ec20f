"""Settings of the machine and of one night.

Both read environment variables with the prefix PROPENSITY_; a flow parameter overrides a variable.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

StrategyName = Literal[
    "none", "class_weight", "undersample", "oversample", "smote_nc", "focal", "soft_f1"
]
STRATEGIES: tuple[StrategyName, ...] = get_args(StrategyName)
NETWORK_ONLY: tuple[StrategyName, ...] = ("focal", "soft_f1")
"""Strategies that replace the loss; a logistic regression has its own."""
FamilyName = Literal["network", "logistic"]


@dataclass(frozen=True)
class LeadRules:
    """Which policyholders of a book are leads.

    Args:
        control_share: Share of policyholders who are never called, so that the effect of calling
            can be measured; always the same policyholders.
        includes_known: Whether policyholders with a known response are leads too.
    """

    control_share: float = 0.02
    includes_known: bool = False


def _list_files(given: Any) -> Any:
    """Accept one file or glob that is not written as a JSON list."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.startswith("[") else [given]


WRITTEN = dt.date(2026, 11, 25)
"""Date of this software: a clock that shows an earlier day is wrong."""


def find_last_as_of() -> dt.date:
    """Return the latest date that a night may stand for: tomorrow, if it begins before midnight.

    Publishing a night with a later date would hide every night until that date from readers.
    """
    today = max(dt.datetime.now().astimezone().date(), WRITTEN)
    return today + dt.timedelta(days=1)


def _check_as_of(as_of: dt.date) -> dt.date:
    if as_of > (last := find_last_as_of()):
        found = f"{as_of} is in the future; publishing it would hide every earlier night"
        raise ValueError(f"{found}. Expected {last} or earlier")
    return as_of


class Settings(BaseSettings):
    """Settings of the machine: where files and the warehouse are."""

    model_config = SettingsConfigDict(env_prefix="PROPENSITY_", env_ignore_empty=True)

    data_dir: Path = Field(Path("data"), description="folder for everything that the job writes")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the warehouse; default: SQLite in the data folder"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="log format: plain text, or one JSON object per line"
    )
    keep_nights: int = Field(
        14, ge=1, le=400, description="number of nights whose scores `propensity retention` keeps"
    )
    call_capacity: int = Field(
        20_000, ge=1, description="calls that can be made per night; the decision card uses it"
    )
    deadline: dt.time = Field(
        dt.time(6),
        description="time by which today's night must be published; else the watchdog reports it",
    )
    webhook_url: SecretStr | None = Field(
        None, description="URL to which the automations of `propensity ops setup` send alerts"
    )
    warehouse_patience: int = Field(
        120,
        ge=0,
        le=3600,
        description="seconds that a running night waits for an unreachable warehouse",
    )
    zombie_seconds: int = Field(
        600,
        ge=40,
        le=3600,
        description="seconds without a heartbeat after which a run is set to Crashed; three times "
        "`PREFECT_FLOWS_HEARTBEAT_FREQUENCY`",
    )

    @property
    def warehouse_url(self) -> str:
        """URL to connect to; it may hold a password, so never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'propensity.db'}"

    @property
    def warehouse_origin(self) -> str:
        """Sentence about the settings that name the warehouse, without any password in them."""
        if self.database_url is not None:
            return "PROPENSITY_DATABASE_URL names it"
        is_set = "data_dir" in self.model_fields_set
        folder = f"is {self.data_dir}" if is_set else f"is not set (default: {self.data_dir})"
        return (
            f"PROPENSITY_DATABASE_URL is not set; PROPENSITY_DATA_DIR {folder};"
            f" the current folder is {Path.cwd()}"
        )


class NightlyConfig(BaseSettings):
    """Settings of one night: the parameters of the flow `nightly`, all bounded."""

    model_config = SettingsConfigDict(
        env_prefix="PROPENSITY_", env_ignore_empty=True, extra="forbid"
    )

    csv: Annotated[list[str], NoDecode, BeforeValidator(_list_files)] = Field(
        [], description="CSV or CSV.gz files or globs that together form the book"
    )
    as_of: Annotated[dt.date, AfterValidator(_check_as_of)] = Field(
        default_factory=lambda: dt.datetime.now().astimezone().date(),
        description="date that this night stands for, tomorrow at the latest; default: today",
    )
    force: bool = Field(False, description="repeat everything even if this very night is published")
    tolerated_rejected_share: float = Field(
        0.01, ge=0, lt=1, description="largest share of rows that may break the contract"
    )
    strategy: StrategyName = Field(
        "class_weight", description="strategy against class imbalance in training"
    )
    model_family: FamilyName = Field(
        "network",
        description="model to train: a Keras network, or a logistic regression, which trains in "
        "a second and ranks worse",
    )
    max_epochs: int = Field(7, ge=1, le=100, description="largest number of epochs to train")
    patience: int = Field(
        2, ge=1, le=100, description="stop after this many epochs of clearly worse validation F1"
    )
    batch_size: int = Field(
        1024, ge=16, le=65_536, description="training rows per step; fewer if the book is small"
    )
    learning_rate: float = Field(2e-3, gt=0, le=1, description="initial value; decays to 0")
    validation_share: float = Field(
        0.05, ge=0.01, lt=0.5, description="share of training rows held out to decide when to stop"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of weights, row order and bootstrap")
    promotion_margin: float = Field(
        0.002, ge=0, lt=1, description="F1 by which a candidate must beat the champion"
    )
    slice_tolerance: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="net benefit a candidate may lose in a slice, as a share of the slice's buyers",
    )
    n_bootstrap: int = Field(
        200, ge=20, le=10_000, description="resamples for the interval of average precision"
    )

    control_share: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="share of policyholders who are never leads; always the same policyholders",
    )
    leads_include_known: bool = Field(
        False, description="include policyholders with a known response among the leads"
    )

    @field_validator("model_family")
    @classmethod
    def _check_family(cls, family: FamilyName, info: ValidationInfo) -> FamilyName:
        strategy = info.data.get("strategy")
        if family == "logistic" and strategy in NETWORK_ONLY:
            found = f"the strategy {strategy} is a loss, which a logistic regression cannot change"
            raise ValueError(f"{found}. Choose another strategy, or the model family network")
        return family

    @property
    def lead_rules(self) -> LeadRules:
        """Rules that decide which policyholders are leads."""
        return LeadRules(self.control_share, self.leads_include_known)

    @property
    def identity(self) -> dict[str, object]:
        """The settings that distinguish nights of the same date and book."""
        return self.model_dump(mode="json", exclude={"csv", "as_of", "force"})

    @property
    def decisive(self) -> dict[str, object]:
        """The settings that members and scores depend on.

        The others only affect acceptance, evaluation and promotion: a night with other values of
        these reuses what an earlier attempt trained.
        """
        judging = {"tolerated_rejected_share", "promotion_margin", "slice_tolerance", "n_bootstrap"}
        return {name: value for name, value in self.identity.items() if name not in judging}
