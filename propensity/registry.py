"""Model versions on disk: K members, their encoders, and a manifest that says what they are."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from propensity.errors import ModelError
from propensity.strategies import LossName

damages = (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile)
"""What reading a damaged JSON or Keras file raises."""


@dataclass(frozen=True)
class Member:
    """One network of a version: it never saw the rows of its fold.

    Args:
        fold: The fold it scores.
        weight_of_zero: How much a zero counted in its training, by class weight or resampling.
        weight_of_one: How much a one counted.
        n_training_rows: Rows it learnt from in an epoch.
        n_epochs: Epochs it was trained for.
        validation_average_precision: Of the epoch that was kept, on training rows kept aside.
        loss: What was minimised.
        validation_f1: Of that epoch; it was kept for having the highest (None: before that rule).
    """

    fold: int
    weight_of_zero: float
    weight_of_one: float
    n_training_rows: int
    n_epochs: int
    validation_average_precision: float
    loss: LossName = "cross_entropy"
    validation_f1: float | None = None


@dataclass(frozen=True)
class ModelVersion:
    """A version: members in the order of their folds, in one folder, trained under one contract."""

    name: str
    folder: Path
    contract_digest: str
    members: tuple[Member, ...]


def network_path(folder: Path, fold: int) -> Path:
    """Where the network of a member is."""
    return folder / f"member-{fold}.keras"


def encoder_path(folder: Path, fold: int) -> Path:
    """Where the encoder of a member is."""
    return folder / f"encoder-{fold}.json"


def save_version(version: ModelVersion) -> None:
    """Write the manifest, last and at once: a folder without one is not a version."""
    manifest = dataclasses.asdict(version) | {"folder": ""}
    unfinished = version.folder / "manifest.json.unfinished"
    unfinished.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    unfinished.replace(version.folder / "manifest.json")


def load_version(folder: Path) -> ModelVersion:
    """Read a version's manifest.

    Raises:
        ModelError: The folder holds no whole version.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no model version",
            expected="manifest.json beside the members",
            todo="Restore the folder from a backup, or let tonight's candidate take its place",
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(**m) for m in raw["members"])
        return ModelVersion(raw["name"], folder, raw["contract_digest"], members)
    except damages as error:
        raise describe_damage(path, error) from error


def describe_damage(path: Path, error: Exception) -> ModelError:
    """Say which file is lost or damaged; of the error only its kind, Keras explains at length."""
    damage = f"cannot be read ({type(error).__name__})" if path.is_file() else "is missing"
    return ModelError(
        f"{path} {damage}",
        expected="the file as it was saved",
        todo="Restore the folder from a backup, or let tonight's candidate take its place",
    )
