"""The comparison as a person starts it, on a small simulated book."""

import datetime as dt
from pathlib import Path

import pytest

from propensity.comparison.records import Comparison, open_comparison
from propensity.settings import NightlyConfig
from propensity.simulation.book import simulate_book
from propensity.storage.workspace import Workspace

pytestmark = pytest.mark.slow


def test_strategies_are_compared_and_nothing_is_published(
    propensity, prefect_api, chromium, tmp_path: Path
) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=6_000, seed=2)
    mine = {"PROPENSITY_MAX_EPOCHS": "1", "PROPENSITY_N_BOOTSTRAP": "20"}
    mine["PREFECT_API_URL"] = prefect_api.url
    ran = propensity("compare", str(tmp_path / "book.csv"), "--strategy", "undersample", **mine)
    assert ran.returncode == 0, ran.stderr
    (folder,) = (propensity.data_dir / "comparisons").iterdir()
    comparison = Comparison.load(folder / "comparison.parquet")
    names = [arm.name for arm in comparison.arms]
    assert names[:3] == ["none", "undersample", "logistic regression"]
    assert comparison.conclusion in " ".join(ran.stdout.split())
    left = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert left == ["comparison.html", "comparison.parquet", "curated/rejected.csv"]
    path = folder / "comparison.html"
    assert str(path) in ran.stdout
    shown = prefect_api.read_artifact("comparison")
    assert (shown["type"], shown["description"]) == ("markdown", f"Page: {path}")
    page = chromium.new_page()
    page.goto(path.as_uri())
    rows = page.locator("table.numbers tr").all_inner_texts()
    page.close()
    assert len(rows) == 1 + len(comparison.arms) == 6
    for arm, row in zip(comparison.arms, rows[1:], strict=True):
        assert row.startswith(arm.name)
        assert f"{arm.f1:.4f}" in row
        assert f"| {arm.name} | {arm.f1:.4f} (" in shown["data"]
    assert comparison.conclusion in shown["data"]
    none, undersample = comparison.arms[:2]
    assert undersample.n_training_rows < 0.4 * none.n_training_rows
    assert comparison.as_of == dt.datetime.now().astimezone().date()
    assert not (propensity.data_dir / "propensity.db").exists()


def test_another_choice_or_seed_does_not_replace_a_comparison(tmp_path: Path) -> None:
    simulate_book(tmp_path / "book.csv", n_rows=1000, seed=2)
    date, csv, workspace = dt.date(2026, 11, 24), [str(tmp_path / "book.csv")], Workspace(tmp_path)
    config = NightlyConfig(csv=csv, as_of=date)
    places = [
        open_comparison(config, ("none", "undersample"), workspace),
        open_comparison(config, ("none", "oversample"), workspace),
        open_comparison(
            NightlyConfig(csv=csv, as_of=date, seed=1), ("none", "undersample"), workspace
        ),
    ]
    assert len({place.folder for place in places}) == 3
    again = open_comparison(config, ("undersample", "none"), workspace)
    assert again.folder == places[0].folder


def test_an_unknown_strategy_is_refused_with_those_there_are(propensity) -> None:
    ran = propensity("compare", "--simulated", "--strategy", "smote")
    assert ran.returncode == 2
    assert "'smote' is not one of none, class_weight" in " ".join(ran.stderr.split())
