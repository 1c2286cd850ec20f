"""Model versions on disk: K members, their encoders, and a manifest that says what they are."""

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
"""What reading a damaged JSON or Keras file raises."""


@dataclass(frozen=True)
class Member:
    """One model of a version: it never saw the rows of its fold.

    Args:
        fold: The fold it scores.
        weight_of_zero: How much a zero counted in its training, by class weight or resampling.
        weight_of_one: How much a one counted.
        n_training_rows: Rows its epochs were drawn from, resampled ones as often as they occur.
        n_epochs: Epochs it was trained for; None where its family has no epochs.
        validation_average_precision: Of the epoch that was kept, on training rows kept aside.
        loss: What was minimised.
        validation_f1: Of that epoch; it was kept for having the highest (None: before that rule).
        n_source_rows: Training rows, before anything was drawn from them (0: of before its scores
            were smoothed).
        n_source_ones: Ones among those.
        family: Which kind of model it is (of before there were several: a network).
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
        """Whether its scores are smoothed: those of soft F1 are no probabilities yet."""
        return self.n_source_rows > 0 and self.loss != "soft_f1"

    @property
    def summary(self) -> str:
        """How it was trained, in a few words for a log."""
        is_in_epochs = self.n_epochs is not None
        return f"{self.n_epochs} epochs" if is_in_epochs else FAMILIES[self.family].label

    def list_files(self, folder: Path) -> tuple[Path, Path]:
        """Return its files in the folder of its version: the encoder and the model."""
        return encoder_path(folder, self.fold), model_path(folder, self.fold, self.family)


@dataclass(frozen=True)
class ModelVersion:
    """A version: members in the order of their folds, in one folder, trained under one contract.

    `files_digest` stands for all its files (None: of before there was one); they are checked by it
    whenever the version is loaded.
    """

    name: str
    folder: Path
    contract_digest: str
    members: tuple[Member, ...]
    files_digest: str | None = None


def model_path(folder: Path, fold: int, family: FamilyName = "network") -> Path:
    """Where the model of a member is."""
    return folder / f"member-{fold}{FAMILIES[family].ending}"


def encoder_path(folder: Path, fold: int) -> Path:
    """Where the encoder of a member is."""
    return folder / f"encoder-{fold}.json"


def save_version(version: ModelVersion) -> ModelVersion:
    """Write the manifest, last and at once: a folder without one is not a version.

    It holds the SHA-256 of encoders and models, so that its own stands for every file.

    Returns:
        The version with that digest.

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
    """Compare every file of a version with what was saved, before anything interprets one.

    Args:
        folder: Of the version.
        files_digest: Kept elsewhere: in model_versions, or in memory for tonight's candidate.

    Raises:
        ChangedModelError: A file is missing, or is not the one that was saved.
    """
    manifest = json.loads(_read_unchanged(folder / "manifest.json", files_digest))
    for name, digest in manifest["files"].items():
        _read_unchanged(folder / name, digest)


def check_if_there(folder: Path, files_digest: str | None) -> None:
    """Compare the files of a registered version, unless nothing can be said of them.

    Args:
        folder: Of the version; one that is lost altogether is no attack.
        files_digest: As registered; None for a version of before, whose files are not checked.

    Raises:
        ChangedModelError: A file is missing, or is not the one that was saved.
    """
    if files_digest and folder.exists():
        check_files(folder, files_digest)


def _read_unchanged(path: Path, expected: str) -> bytes:
    content = path.read_bytes() if path.is_file() else None
    if content is None or _digest(content) != expected:
        changed = "is missing" if content is None else f"has the SHA-256 {_digest(content)}"
        raise ChangedModelError(
            f"{path} {changed}",
            expected=f"{expected}, as it was saved; nothing was loaded",
            todo="Find out who changed it. Restore the folder from a backup, choose another "
            "version (`propensity models rollback`), or move the folder away and run the night "
            "again: a new candidate then takes its place",
        )
    return content


def load_version(folder: Path, files_digest: str | None = None) -> ModelVersion:
    """Read a version's manifest.

    Args:
        folder: Of the version.
        files_digest: As registered; None for a version of before, whose files are not checked.

    Raises:
        ChangedModelError: The files are not those that were registered.
        ModelError: The folder holds no whole version.
    """
    path = folder / "manifest.json"
    check_if_there(folder, files_digest)
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no model version",
            expected="manifest.json beside the members",
            todo="Restore the folder from a backup, or let tonight's candidate take its place",
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(**m) for m in raw["members"])
        return ModelVersion(raw["name"], folder, raw["contract_digest"], members, files_digest)
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
