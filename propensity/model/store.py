"""Model versions on disk: the members, their encoders, and a manifest that describes them."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from propensity.errors import ChangedModelError, ModelError
from propensity.model.families import FAMILIES
from propensity.model.imbalance import LossName
from propensity.settings import FamilyName
from propensity.storage.atomic_write import write_whole

damages = (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile)
"""Exceptions raised when a damaged JSON or Keras file is read."""


@dataclass(frozen=True)
class Member:
    """One model of a version, trained without the rows of its fold.

    Args:
        fold: The fold that it scores.
        weight_of_zero: Effective weight of a zero in training, by class weight or resampling.
        weight_of_one: Effective weight of a one in training.
        n_training_rows: Rows that its epochs were drawn from, including duplicates.
        n_epochs: Number of epochs of training; None if its family has no epochs.
        validation_average_precision: Average precision on its validation rows.
        loss: Loss that was minimised.
        validation_f1: F1 on its validation rows; None for versions older than this field.
        n_source_rows: Training rows before resampling; 0 for versions older than smoothing.
        n_source_ones: Number of ones among those.
        family: Kind of model; a network for versions older than this field.
    """

    fold: int
    weight_of_zero: float
    weight_of_one: float
    n_training_rows: int
    n_epochs: int | None
    validation_average_precision: float
    loss: LossName = "cross_entropy"
    validation_f1: float | None = None
    n_source_rows: int = 0
    n_source_ones: int = 0
    family: FamilyName = "network"

    @property
    def is_smoothed(self) -> bool:
        """Whether its scores are smoothed; those of soft F1 are not probabilities."""
        return self.n_source_rows > 0 and self.loss != "soft_f1"

    @property
    def summary(self) -> str:
        """Short description of its training for a log."""
        is_in_epochs = self.n_epochs is not None
        return f"{self.n_epochs} epochs" if is_in_epochs else FAMILIES[self.family].label

    def list_files(self, folder: Path) -> tuple[Path, Path]:
        """Return the paths of its encoder and its model in the folder of its version."""
        return encoder_path(folder, self.fold), model_path(folder, self.fold, self.family)


@dataclass(frozen=True)
class ModelVersion:
    """A version: one member per fold, in order, in one folder, trained under one contract.

    `files_digest` is the SHA-256 of the manifest, None for versions registered before digests
    existed. Whenever the version is loaded, all its files are checked against it.
    """

    name: str
    folder: Path
    contract_digest: str
    members: tuple[Member, ...]
    files_digest: str | None = None


def model_path(folder: Path, fold: int, family: FamilyName = "network") -> Path:
    """Return the path of a member's model."""
    return folder / f"member-{fold}{FAMILIES[family].ending}"


def encoder_path(folder: Path, fold: int) -> Path:
    """Return the path of a member's encoder."""
    return folder / f"encoder-{fold}.json"


def save_version(version: ModelVersion) -> ModelVersion:
    """Write the manifest, last and atomically: a folder without one is not a version.

    It contains the SHA-256 of encoders and models, so that its own covers every file.

    Returns:
        The version with the SHA-256 of the manifest.

    Raises:
        ModelError: A member lacks a file.
    """
    paths = [path for m in version.members for path in m.list_files(version.folder)]
    manifest = dataclasses.asdict(version) | {"folder": "", "files": _digest_files(paths)}
    del manifest["files_digest"]
    content = json.dumps(manifest, indent=1).encode()
    with write_whole(version.folder / "manifest.json") as unfinished:
        unfinished.write_bytes(content)
    return dataclasses.replace(version, files_digest=_digest(content))


def _digest_files(paths: list[Path]) -> dict[str, str]:
    digests = {}
    for path in paths:
        try:
            digests[path.name] = _digest(path.read_bytes())
        except OSError as error:
            raise describe_damage(path, error) from error
    return digests


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def check_files(folder: Path, files_digest: str) -> None:
    """Check the digest of every file of a version, before any of them is interpreted.

    Args:
        folder: Folder of the version.
        files_digest: SHA-256 of the manifest, from model_versions or, for the candidate, memory.

    Raises:
        ChangedModelError: A file is missing or differs from the saved one.
    """
    manifest = json.loads(_read_unchanged(folder / "manifest.json", files_digest))
    for name, digest in manifest["files"].items():
        _read_unchanged(folder / name, digest)


def check_if_there(folder: Path, files_digest: str | None) -> None:
    """Check the files of a registered version if it has a digest and its folder exists.

    Args:
        folder: Folder of the version; a missing folder is a loss and not a manipulation.
        files_digest: Registered SHA-256 of the manifest; None: the files are not checked.

    Raises:
        ChangedModelError: A file is missing or differs from the saved one.
    """
    if files_digest and folder.exists():
        check_files(folder, files_digest)


def _read_unchanged(path: Path, expected: str) -> bytes:
    content = path.read_bytes() if path.is_file() else None
    if content is None or _digest(content) != expected:
        changed = "is missing" if content is None else f"has the SHA-256 {_digest(content)}"
        raise ChangedModelError(
            f"{path} {changed}",
            expected=f"the SHA-256 {expected} of the saved file; nothing was loaded",
            todo="Find out who changed it. Restore the folder from a backup, choose another "
            "version (`propensity models rollback`), or move the folder away and rerun the night, "
            "whose candidate then takes its place",
        )
    return content


def load_version(folder: Path, files_digest: str | None = None) -> ModelVersion:
    """Read a version's manifest.

    Args:
        folder: Folder of the version.
        files_digest: Registered SHA-256 of the manifest; None: the files are not checked.

    Raises:
        ChangedModelError: The files differ from the registered ones.
        ModelError: The folder contains no complete version.
    """
    path = folder / "manifest.json"
    check_if_there(folder, files_digest)
    if not path.is_file():
        raise ModelError(
            f"{folder} contains no model version",
            expected="manifest.json in the folder of the members",
            todo="Restore the folder from a backup, or let tonight's candidate take its place",
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(**m) for m in raw["members"])
        return ModelVersion(raw["name"], folder, raw["contract_digest"], members, files_digest)
    except damages as error:
        raise describe_damage(path, error) from error


def describe_damage(path: Path, error: Exception) -> ModelError:
    """Describe a lost or damaged file; name only the type of the error: Keras writes at length."""
    damage = f"cannot be read ({type(error).__name__})" if path.is_file() else "is missing"
    return ModelError(
        f"{path} {damage}",
        expected="the file that was saved",
        todo="Restore the folder from a backup, or let tonight's candidate take its place",
    )
