"""A version's manifest, whole, missing and damaged."""

import json
from pathlib import Path

import pytest

from propensity.errors import ModelError
from propensity.registry import Member, ModelVersion, load_version, save_version


def make_version(folder: Path) -> ModelVersion:
    members = tuple(Member(k, 0.5697, 4.0823, 1000 + k, 3, 1 / 3) for k in range(5))
    return ModelVersion("2026-01-02-a", folder, "digest", members)


def test_a_version_is_read_as_it_was_written(tmp_path: Path) -> None:
    version = make_version(tmp_path)
    save_version(version)
    assert load_version(tmp_path) == version
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.json"]


def test_a_moved_folder_is_read_from_its_new_place(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    save_version(make_version(old))
    old.rename(new)
    assert load_version(new) == make_version(new)


def test_a_folder_without_manifest_is_no_version(tmp_path: Path) -> None:
    (tmp_path / "manifest.json.unfinished").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="holds no model version"):
        load_version(tmp_path)


@pytest.mark.parametrize("damage", ["", '{"name": "v"', "[]", '{"members": [{"fold": 1}]}'])
def test_a_damaged_manifest_is_told_as_such(tmp_path: Path, damage: str) -> None:
    save_version(make_version(tmp_path))
    (tmp_path / "manifest.json").write_text(damage, encoding="utf-8")
    with pytest.raises(ModelError, match=r"manifest\.json cannot be read"):
        load_version(tmp_path)


def test_a_manifest_holds_no_path_of_this_machine(tmp_path: Path) -> None:
    save_version(make_version(tmp_path))
    text = (tmp_path / "manifest.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert json.loads(text)["members"][2]["fold"] == 2
