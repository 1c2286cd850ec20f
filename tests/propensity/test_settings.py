"""Settings come from the environment, are bounded, and never show the password."""

import datetime as dt
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from propensity.settings import WRITTEN, NightlyConfig, Settings, StrategyName
from propensity.storage.workspace import Workspace


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the session, or whoever runs the tests, has set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PROPENSITY_")]:
        monkeypatch.delenv(name)


def test_warehouse_is_sqlite_in_the_data_folder_by_default(monkeypatch, tmp_path) -> None:
    assert Settings().warehouse_url == "sqlite:///data/propensity.db"
    monkeypatch.setenv("PROPENSITY_DATA_DIR", "elsewhere")
    assert Settings().warehouse_url == "sqlite:///elsewhere/propensity.db"
    assert not list(tmp_path.iterdir())  # asking makes no folder


def test_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://marketing:s3same@db/warehouse"
    monkeypatch.setenv("PROPENSITY_DATABASE_URL", url)
    settings = Settings()
    assert settings.warehouse_url == url
    for shown in (
        repr(settings),
        str(settings),
        str(settings.model_dump()),
        settings.model_dump_json(),
    ):
        assert "s3same" not in shown


@pytest.mark.parametrize(
    ("text", "csv"),
    [
        ("books/*.csv.gz", ["books/*.csv.gz"]),
        ("a,b.csv", ["a,b.csv"]),
        ('["a.csv", "b.csv"]', ["a.csv", "b.csv"]),
        ("", []),
    ],
)
def test_csv_from_the_environment(monkeypatch, text: str, csv: list[str]) -> None:
    monkeypatch.setenv("PROPENSITY_CSV", text)
    assert NightlyConfig().csv == csv
    assert NightlyConfig(csv=["given.csv"]).csv == ["given.csv"]


def test_a_parameter_wins_over_a_variable_and_a_variable_over_the_default(monkeypatch) -> None:
    assert NightlyConfig().max_epochs == 7
    monkeypatch.setenv("PROPENSITY_MAX_EPOCHS", "8")
    assert NightlyConfig().max_epochs == 8
    assert NightlyConfig(max_epochs=9).max_epochs == 9


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATA_DIR", "MAX_EPOCHS", "AS_OF"):
        monkeypatch.setenv(f"PROPENSITY_{name}", "")
    assert Settings().database_url is None
    assert NightlyConfig().max_epochs == 7


def test_settings_of_the_machine_are_no_parameters_of_the_night(monkeypatch) -> None:
    monkeypatch.setenv("PROPENSITY_DATA_DIR", "elsewhere")
    assert "data_dir" not in NightlyConfig().model_dump()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tolerated_rejected_share", -0.01), ("tolerated_rejected_share", 1),
        ("max_epochs", 0), ("max_epochs", 101), ("patience", 0), ("batch_size", 15),
        ("learning_rate", 0), ("validation_share", 0), ("validation_share", 0.5), ("seed", -1),
        ("promotion_margin", -0.1), ("n_bootstrap", 19), ("as_of", "yesterday"),
        ("model_family", "forest"), ("csv", '["a.csv"'), ("csv", 3), ("max_epoch", 3),
    ],
)  # fmt: skip
def test_out_of_bounds_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"1 validation error(.|\n)*{name}"):
        NightlyConfig(**{name: value})


@pytest.mark.parametrize("strategy", ["focal", "soft_f1"])
def test_a_loss_of_the_network_is_refused_with_another_family(strategy: StrategyName) -> None:
    with pytest.raises(ValidationError, match=f"model_family\n.*strategy {strategy} is a loss"):
        NightlyConfig(model_family="logistic", strategy=strategy)
    assert NightlyConfig(model_family="network", strategy=strategy).strategy == strategy


def test_every_number_has_both_bounds_and_every_setting_a_description() -> None:
    properties = NightlyConfig.model_json_schema()["properties"]
    assert properties["csv"] == {**properties["csv"], "type": "array", "items": {"type": "string"}}
    for name, field in properties.items():
        assert field["description"], name
        if field["type"] in ("integer", "number"):
            assert any(k in field for k in ("minimum", "exclusiveMinimum")), name
            assert any(k in field for k in ("maximum", "exclusiveMaximum")), name


def test_only_what_changes_the_scores_is_decisive() -> None:
    night = NightlyConfig(csv=["a.csv"], as_of=dt.date(2024, 5, 6), force=True)
    assert night.decisive == NightlyConfig(csv=["b.csv"], as_of=dt.date(2024, 5, 7)).decisive
    assert night.decisive != NightlyConfig(seed=1).decisive
    judging = {"tolerated_rejected_share", "promotion_margin", "slice_tolerance", "n_bootstrap"}
    assert set(night.identity) == set(NightlyConfig.model_fields) - {"csv", "as_of", "force"}
    assert set(night.decisive) == set(night.identity) - judging
    assert NightlyConfig(n_bootstrap=999).decisive == NightlyConfig().decisive
    assert NightlyConfig(n_bootstrap=999).identity != NightlyConfig().identity


def test_no_two_kinds_of_run_data_share_a_folder(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    folders = [
        space.raw,
        space.curated("r"),
        space.reports("r"),
        space.model("r"),
        space.scores("r"),
    ]
    assert len({*folders, space.curated("s")}) == 6
    assert all(f.is_relative_to(tmp_path) for f in folders)
    assert not list(tmp_path.iterdir())


def test_a_night_is_not_of_a_date_to_come() -> None:
    today = dt.datetime.now().astimezone().date()
    tomorrow = max(today, WRITTEN) + dt.timedelta(days=1)
    assert NightlyConfig().as_of == today
    assert NightlyConfig(as_of=tomorrow).as_of == tomorrow
    with pytest.raises(ValidationError, match=f"in the future; .* Expected {tomorrow} or earlier"):
        NightlyConfig(as_of=tomorrow + dt.timedelta(days=1))


def test_a_clock_that_says_a_day_before_the_software_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stopped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Stopped":
            return cls(2001, 2, 3, tzinfo=tz)

    monkeypatch.setattr("propensity.settings.dt.datetime", Stopped)
    assert NightlyConfig(as_of=WRITTEN).as_of == WRITTEN
    with pytest.raises(ValidationError, match="is in the future"):
        NightlyConfig(as_of=WRITTEN + dt.timedelta(days=2))
