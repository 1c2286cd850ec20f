"""Settings: where this machine keeps things, and what one night is asked to do.

Both read environment variables with the prefix PROPENSITY_; a flow parameter wins over a variable.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

StrategyName = Literal[
    "none", "class_weight", "undersample", "oversample", "smote_nc", "focal", "soft_f1"
]
STRATEGIES: tuple[StrategyName, ...] = get_args(StrategyName)
FamilyName = Literal["network", "logistic"]


@dataclass(frozen=True)
class LeadRules:
    """Who of a book is a lead.

    Args:
        control_share: Share of the policyholders that is never called, so that the effect of
            calling can be measured; always the same people.
        includes_known: Call again those whose response is known.
    """

    control_share: float = 0.02
    includes_known: bool = False


def _list_files(given: Any) -> Any:
    """One file or glob need not be written as a JSON list."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.startswith("[") else [given]


WRITTEN = dt.date(2026, 11, 25)
"""A clock that says an earlier day is wrong: this software is younger."""


def find_last_as_of() -> dt.date:
    """Return the latest date a night may stand for: tomorrow, begun before midnight.

    A night stored under a date to come would keep every night until then from being seen.
    """
    today = max(dt.datetime.now().astimezone().date(), WRITTEN)
    return today + dt.timedelta(days=1)


def _check_as_of(as_of: dt.date) -> dt.date:
    if as_of > (last := find_last_as_of()):
        found = f"{as_of} is a date to come: its night would hide those until then from readers"
        raise ValueError(f"{found}. Expected {last} or earlier")
    return as_of


class Settings(BaseSettings):
    """The machine: where files and the warehouse are."""

    model_config = SettingsConfigDict(env_prefix="PROPENSITY_", env_ignore_empty=True)

    data_dir: Path = Field(Path("data"), description="folder of everything the job writes")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the warehouse; default: SQLite in the data folder"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="how the log looks: for people, or one JSON object a line"
    )
    keep_nights: int = Field(
        14, ge=1, le=400, description="nights whose scores `propensity retention` keeps"
    )
    call_capacity: int = Field(
        20_000, ge=1, description="calls one night's leads are meant for: the decision card"
    )
    deadline: dt.time = Field(
        dt.time(6),
        description="by then the night of today must be published, or the watchdog says so",
    )
    webhook_url: SecretStr | None = Field(
        None, description="where `propensity ops setup` lets alerts be sent"
    )
    warehouse_patience: int = Field(
        120,
        ge=0,
        le=3600,
        description="seconds a night under way waits for a warehouse that is away",
    )
    zombie_seconds: int = Field(
        600,
        ge=40,
        le=3600,
        description="seconds without heartbeat after which a run is set to Crashed; three times "
        "`PREFECT_FLOWS_HEARTBEAT_FREQUENCY`",
    )

    @property
    def warehouse_url(self) -> str:
        """The URL to connect to; may hold a password, so never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'propensity.db'}"

    @property
    def warehouse_origin(self) -> str:
        """Say which settings name the warehouse, without a password that they may hold."""
        if self.database_url is not None:
            return "PROPENSITY_DATABASE_URL names it"
        is_set = "data_dir" in self.model_fields_set
        folder = f"is {self.data_dir}" if is_set else f"is not set (default: {self.data_dir})"
        return (
            f"PROPENSITY_DATABASE_URL is not set; PROPENSITY_DATA_DIR {folder};"
            f" the current folder is {Path.cwd()}"
        )


class NightlyConfig(BaseSettings):
    """What one night is asked to do: the parameters of the flow `nightly`, all bounded."""

    model_config = SettingsConfigDict(
        env_prefix="PROPENSITY_", env_ignore_empty=True, extra="forbid"
    )

    csv: Annotated[list[str], NoDecode, BeforeValidator(_list_files)] = Field(
        [], description="CSV or CSV.gz files or globs; together they are the book"
    )
    as_of: Annotated[dt.date, AfterValidator(_check_as_of)] = Field(
        default_factory=lambda: dt.datetime.now().astimezone().date(),
        description="the date this night stands for, tomorrow at the latest; default: today",
    )
    force: bool = Field(
        False, description="do everything anew, although this very night was published"
    )
    tolerated_rejected_share: float = Field(
        0.01, ge=0, lt=1, description="the night stops when more of the rows break the contract"
    )
    strategy: StrategyName = Field(
        "class_weight", description="how the imbalance is treated in training"
    )
    model_family: FamilyName = Field(
        "network",
        description="what is trained: a Keras network, or a logistic regression, which takes a "
        "second and ranks worse",
    )
    max_epochs: int = Field(7, ge=1, le=100, description="training stops here or earlier")
    patience: int = Field(
        2, ge=1, le=100, description="epochs in a row of clearly worse validation F1 that end it"
    )
    batch_size: int = Field(
        1024, ge=16, le=65_536, description="training rows a step, less if the book is small"
    )
    learning_rate: float = Field(2e-3, gt=0, le=1, description="at the first step; decays to 0")
    validation_share: float = Field(
        0.05, ge=0.01, lt=0.5, description="share of the training rows that decides when to stop"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="of the weights, the row order, the bootstrap")
    promotion_margin: float = Field(
        0.002, ge=0, lt=1, description="F1 by which a candidate must beat the champion"
    )
    slice_tolerance: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="net benefit a candidate may lose in a slice, as a share of its buyers",
    )
    n_bootstrap: int = Field(
        200, ge=20, le=10_000, description="resamples behind the interval of average precision"
    )

    control_share: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="share of the policyholders that is never a lead, always the same people",
    )
    leads_include_known: bool = Field(
        False, description="keep those whose response is known among the leads"
    )

    @property
    def lead_rules(self) -> LeadRules:
        """Who is a lead."""
        return LeadRules(self.control_share, self.leads_include_known)

    @property
    def identity(self) -> dict[str, object]:
        """The settings that tell one night from another of the same date and book."""
        return self.model_dump(mode="json", exclude={"csv", "as_of", "force"})

    @property
    def decisive(self) -> dict[str, object]:
        """The settings that members and scores are computed from.

        The others decide what is accepted, how it is judged and who is promoted: a night with
        other values of these reuses what an earlier attempt trained.
        """
        judging = {"tolerated_rejected_share", "promotion_margin", "slice_tolerance", "n_bootstrap"}
        return {name: value for name, value in self.identity.items() if name not in judging}
