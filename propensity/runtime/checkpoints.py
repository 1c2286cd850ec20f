"""Checkpoints: a stage that succeeded leaves one, so a repeated night need not run the stage again.

A checkpoint is written last, when all its files are complete. It is valid only if the night, the
code and the input of the stage are unchanged and each file still has its digest. This protects
against accidents only: anyone who can write to the data folder can write a checkpoint too.
"""

import dataclasses
import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from propensity.runtime.night import OpenNight
from propensity.storage.atomic_write import write_whole
from propensity.storage.hashing import digest_code, digest_config, digest_facts, digest_file

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


class CheckpointFile(BaseModel):
    """The output of a stage of a run, as stored.

    Args:
        basis: Digests of what determined the output: the stage's name, night, code and input.
        written_at: Time at which the stage finished.
        files: SHA-256 of each file by its path relative to the data folder.
        record: Return value of the stage; its paths are relative to the data folder.
    """

    basis: dict[str, str]
    written_at: dt.datetime
    files: dict[str, str]
    record: JsonValue


@dataclasses.dataclass(frozen=True)
class Checkpoint(Generic[Record]):
    """A valid checkpoint: when it was written, its files, and what the stage returned."""

    written_at: dt.datetime
    files: tuple[Path, ...]
    record: Record


@dataclasses.dataclass(frozen=True)
class Stage(Generic[Record]):
    """A stage of a night whose output can be reused.

    Args:
        night: The run in progress and the earlier attempts at the same night.
        name: Name of the stage and of its checkpoint.
        kind: Dataclass that the stage returns.
        read: Input of the stage besides the CSV files and the settings, as JSON values.
    """

    night: OpenNight
    name: str
    kind: type[Record]
    read: tuple[object, ...] = ()

    def find(self, on_refusal: Callable[[str], None]) -> Checkpoint[Record] | None:
        """Return the newest valid checkpoint of an earlier attempt, if any.

        Args:
            on_refusal: Called with the reason for each checkpoint that is not valid.
        """
        for run_name in self.night.earlier:
            path = self._locate(run_name)
            if path.exists():
                try:
                    return self._verify(path)
                except (OSError, ValueError) as error:
                    on_refusal(f"{run_name} is skipped: {error}")
        return None

    def keep(
        self, record: Record, files: Iterable[Path], digests: Mapping[Path, str] | None = None
    ) -> None:
        """Write the checkpoint of this run.

        Args:
            record: Return value of the stage.
            files: Files that the stage wrote.
            digests: Known SHA-256 digests of files; the others are computed here.
        """
        known = digests or {}
        hashed = ((file, known.get(file) or digest_file(file)) for file in files)
        root, path = self.night.workspace.root, self._locate(self.night.run.run_name)
        moved = _move_paths(record, lambda file: file.relative_to(root))
        checkpoint = CheckpointFile(
            basis=self._basis,
            written_at=dt.datetime.now(dt.UTC),
            files={str(file.relative_to(root)): digest for file, digest in hashed},
            record=TypeAdapter(self.kind).dump_python(moved, mode="json"),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as unfinished:
            unfinished.write_text(checkpoint.model_dump_json(indent=1), encoding="utf-8")

    def _verify(self, path: Path) -> Checkpoint[Record]:
        root = self.night.workspace.root
        try:
            found = CheckpointFile.model_validate_json(path.read_text(encoding="utf-8"))
            record = TypeAdapter(self.kind).validate_python(found.record)
        except ValidationError:
            raise ValueError(f"{path} is not a checkpoint") from None
        others = [k for k, v in self._basis.items() if found.basis.get(k) != v]
        if others:
            raise ValueError(f"{path} belongs to a different {' and '.join(others)}")
        for name, digest in found.files.items():
            if digest_file(root / name) != digest:
                raise ValueError(f"{root / name} has changed")
        files = tuple(root / name for name in found.files)
        return Checkpoint(found.written_at, files, _move_paths(record, lambda file: root / file))

    def _locate(self, run_name: str) -> Path:
        return self.night.workspace.checkpoints(run_name) / f"{self.name}.json"

    @property
    def _basis(self) -> dict[str, str]:
        night = self.night
        decisive = digest_config(night.contract.digest, night.config.decisive)
        return {
            "stage": self.name,
            "night": digest_facts([night.run.night.input_digest, decisive]),
            "code": digest_code(Path(__file__).parents[1]),
            "input": digest_facts(self.read),
        }


def copy_files(checkpoint: Checkpoint[Any], folder: Path) -> None:
    """Copy the files of a checkpoint into another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in checkpoint.files:
        with write_whole(folder / path.name) as unfinished:
            shutil.copyfile(path, unfinished)


def _move_paths(record: Record, move: Callable[[Path], Path]) -> Record:
    """Apply a change to every path among the fields of a record."""

    def change(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(change(v) for v in value)
        return move(value) if isinstance(value, Path) else value

    fields = dataclasses.fields(record)
    moved = {f.name: change(getattr(record, f.name)) for f in fields}
    return dataclasses.replace(record, **moved)
