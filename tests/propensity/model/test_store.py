"""A version's files, whole, missing, damaged and changed."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from propensity.errors import ChangedModelError, ModelError
from propensity.model.store import (
    Member,
    ModelVersion,
    encoder_path,
    load_version,
    model_path,
    save_version,
)


def make_version(folder: Path) -> ModelVersion:
    for k in range(5):
        encoder_path(folder, k).write_text(f"encoder {k}", encoding="utf-8")
        model_path(folder, k).write_text(f"network {k}", encoding="utf-8")
    members = tuple(Member(k, 0.5697, 4.0823, 1000 + k, 3, 1 / 3) for k in range(5))
    return ModelVersion("2026-01-02-a", folder, "digest", members)


def test_a_version_is_read_as_it_was_written(tmp_path: Path) -> None:
    version = make_version(tmp_path)
    save_version(version)
    assert load_version(tmp_path) == version
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_moved_folder_is_read_from_its_new_place(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    save_version(make_version(old))
    old.rename(new)
    assert load_version(new) == make_version(new)


def test_a_folder_without_manifest_is_no_version(tmp_path: Path) -> None:
    (tmp_path / "manifest.json.unfinished").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="contains no model version"):
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


def test_a_version_is_not_saved_without_a_file_of_a_member(tmp_path: Path) -> None:
    version = make_version(tmp_path)
    model_path(tmp_path, 3).unlink()
    with pytest.raises(ModelError, match=r"member-3\.keras is missing"):
        save_version(version)
    assert not list(tmp_path.glob("manifest*"))


def test_unchanged_files_are_loaded_by_the_digest_that_sha256sum_shows(tmp_path: Path) -> None:
    saved = save_version(make_version(tmp_path))
    manifest = (tmp_path / "manifest.json").read_bytes()
    assert saved.files_digest == hashlib.sha256(manifest).hexdigest()
    assert load_version(tmp_path, saved.files_digest) == saved


def test_the_digest_is_of_the_contents_not_of_the_folder(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    saved = save_version(make_version(old))
    old.rename(new)
    (new / "card.html").write_text("written later, never loaded", encoding="utf-8")
    assert load_version(new, saved.files_digest).files_digest == saved.files_digest


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def rename_in_manifest(folder: Path) -> None:
    """The attacker makes the manifest fit the network."""
    flip_a_bit(model_path(folder, 3))
    digest = hashlib.sha256(model_path(folder, 3).read_bytes()).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["member-3.keras"] = digest
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


CHANGES = {
    "one bit of a network": (lambda f: flip_a_bit(model_path(f, 3)), "member-3.keras has"),
    "one bit of an encoder": (lambda f: flip_a_bit(encoder_path(f, 0)), "encoder-0.json has"),
    "networks swapped": (lambda f: swap(model_path(f, 1), model_path(f, 2)), "member-1.keras"),
    "a network lost": (lambda f: model_path(f, 4).unlink(), "member-4.keras is missing"),
    "manifest lost": (lambda f: (f / "manifest.json").unlink(), "manifest.json is missing"),
    "manifest no JSON": (lambda f: (f / "manifest.json").write_text(""), "manifest.json has"),
    "manifest made to fit": (rename_in_manifest, "manifest.json has"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_a_changed_file_is_named_and_not_loaded(
    tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    saved = save_version(make_version(tmp_path))
    change(tmp_path)
    with pytest.raises(ChangedModelError, match=re.escape(told)) as refused:
        load_version(tmp_path, saved.files_digest)
    assert "propensity models rollback" in refused.value.todo


def test_another_version_in_the_place_of_this_one_is_not_loaded(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    saved = save_version(make_version(mine))
    save_version(dataclasses.replace(make_version(other), name="another"))
    mine.rename(tmp_path / "away")
    other.rename(mine)
    with pytest.raises(ChangedModelError, match=saved.files_digest):
        load_version(mine, saved.files_digest)


def test_a_folder_that_is_lost_is_told_as_lost(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="contains no model version") as refused:
        load_version(tmp_path / "lost", "d" * 64)
    assert not isinstance(refused.value, ChangedModelError)


def test_a_version_of_before_is_loaded_unchecked(tmp_path: Path) -> None:
    version = make_version(tmp_path)
    save_version(version)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["files"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert load_version(tmp_path, None) == version
