"""What a checkpoint vouches for is believed as long as nothing of it has changed, and no longer."""

import dataclasses
import datetime as dt
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine

import propensity
from propensity.runtime.checkpoints import Stage, copy_files
from propensity.runtime.night import OpenNight
from propensity.settings import NightlyConfig, Settings
from propensity.storage.hashing import digest_code
from propensity.warehouse.runs import Night, Run


@dataclass(frozen=True)
class Outcome:
    parts: tuple[Path, ...]
    page: Path
    share: float


@pytest.fixture
def first(tmp_path: Path, contract) -> OpenNight:
    run = Run(1, "a-night", Night(dt.date(2026, 11, 1), "book", "settings"))
    settings = Settings(data_dir=tmp_path / "data")
    return OpenNight(run, (), NightlyConfig(), contract, settings, create_engine("sqlite://"))


def begin_again(night: OpenNight, number: int = 2) -> OpenNight:
    run = dataclasses.replace(night.run, run_name=f"a-night-{number}")
    return dataclasses.replace(night, run=run, earlier=(night.run.run_name, *night.earlier))


def finish(night: OpenNight, share: float = 1 / 3) -> Outcome:
    folder = night.workspace.root / "out" / night.run.run_name
    folder.mkdir(parents=True)
    outcome = Outcome((folder / "part-0", folder / "part-1"), folder / "page.html", share)
    for path in (*outcome.parts, outcome.page):
        path.write_text(path.name, encoding="utf-8")
    stage(night).keep(outcome, [*outcome.parts, outcome.page])
    return outcome


def stage(night: OpenNight, name: str = "stage", read: object = "x") -> Stage[Outcome]:
    return Stage(night, name, Outcome, (read,))


def find(night: OpenNight, name: str = "stage", read: object = "x") -> Outcome | str | None:
    """The record; the reason where there is a checkpoint that is not believed."""
    refusals: list[str] = []
    checkpoint = stage(night, name, read).find(refusals.append)
    return checkpoint.record if checkpoint else next(iter(refusals), None)


def locate(night: OpenNight, name: str = "stage") -> Path:
    return night.workspace.checkpoints(night.run.run_name) / f"{name}.json"


def test_the_next_attempt_finds_what_was_returned_to_the_last_bit(first) -> None:
    outcome = finish(first)
    assert find(begin_again(first)) == outcome


def test_a_first_attempt_and_a_forced_one_find_nothing(first) -> None:
    finish(first)
    assert find(first) is None
    assert find(dataclasses.replace(begin_again(first), earlier=())) is None


def test_the_latest_attempt_wins_and_a_bad_one_is_passed_over(first) -> None:
    old, second = finish(first), begin_again(first)
    new, third = finish(second, share=0.5), begin_again(second, 3)
    assert find(third) == new
    new.page.unlink()
    refusals: list[str] = []
    checkpoint = stage(third).find(refusals.append)
    assert checkpoint is not None
    assert checkpoint.record == old
    assert refusals[0].startswith("a-night-2 is skipped: ")
    assert str(new.page) in refusals[0]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_changed_file_is_not_believed(first, which: int) -> None:
    outcome = finish(first)
    path = (*outcome.parts, outcome.page)[which]
    path.write_text(f"{path.name}.", encoding="utf-8")
    assert f"{path} has changed" in str(find(begin_again(first)))


def test_other_settings_another_book_or_another_input_are_another_night(first) -> None:
    finish(first)
    again = begin_again(first)
    night = dataclasses.replace(again.run.night, input_digest="other")
    other_book = dataclasses.replace(again, run=dataclasses.replace(again.run, night=night))
    assert "belongs to a different night" in str(find(other_book))
    other_seed = dataclasses.replace(again, config=NightlyConfig(seed=1))
    assert "belongs to a different night" in str(find(other_seed))
    assert "belongs to a different input" in str(find(again, read="y"))


@pytest.mark.parametrize(
    "judging",
    [{"promotion_margin": 0.1}, {"slice_tolerance": 0.5}, {"n_bootstrap": 999}],
    ids=str,
)
def test_settings_that_only_judge_do_not_repeat_the_work(first, judging: dict[str, float]) -> None:
    outcome = finish(first)
    night = dataclasses.replace(begin_again(first), config=NightlyConfig(**judging))
    assert night.config.decisive == first.config.decisive
    assert night.config.identity != first.config.identity
    assert find(night) == outcome


def test_a_checkpoint_of_other_code_is_not_believed(first) -> None:
    finish(first)
    text = locate(first).read_text(encoding="utf-8")
    code = json.loads(text)["basis"]["code"]
    assert code == digest_code(Path(propensity.__file__).parent)
    locate(first).write_text(text.replace(code, "0" * 64), encoding="utf-8")
    assert "belongs to a different code" in str(find(begin_again(first)))


def test_a_changed_line_is_other_code(tmp_path: Path) -> None:
    package = tmp_path / "propensity"
    shutil.copytree(Path(propensity.__file__).parent, package)
    assert digest_code(package) == digest_code(Path(propensity.__file__).parent)
    digest_code.cache_clear()
    with (package / "warehouse" / "runs.py").open("a", encoding="utf-8") as source:
        source.write("\n")
    assert digest_code(package) != digest_code(Path(propensity.__file__).parent)


def test_a_checkpoint_of_another_stage_is_not_believed(first) -> None:
    finish(first)
    shutil.copy(locate(first), locate(first, "another"))
    assert "belongs to a different stage" in str(find(begin_again(first), "another"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"basis": {}, "files": {}}'])
def test_half_a_checkpoint_is_none(first, text: str) -> None:
    finish(first)
    locate(first).write_text(text, encoding="utf-8")
    assert "is not a checkpoint" in str(find(begin_again(first)))


def test_a_moved_data_folder_keeps_its_checkpoints(first, tmp_path: Path) -> None:
    finish(first)
    assert str(tmp_path) not in locate(first).read_text(encoding="utf-8")
    first.workspace.root.rename(tmp_path / "moved")
    moved = dataclasses.replace(begin_again(first), settings=Settings(data_dir=tmp_path / "moved"))
    found = find(moved)
    assert isinstance(found, Outcome)
    assert found.page == tmp_path / "moved" / "out" / "a-night" / "page.html"
    assert found.page.exists()


def test_files_are_copied_beside_what_the_new_run_makes(first, tmp_path: Path) -> None:
    outcome = finish(first)
    checkpoint = stage(begin_again(first)).find(pytest.fail)
    assert checkpoint is not None
    copy_files(checkpoint, tmp_path / "new")
    assert {p.name: p.read_text() for p in (tmp_path / "new").iterdir()} == {
        p.name: p.name for p in (*outcome.parts, outcome.page)
    }
