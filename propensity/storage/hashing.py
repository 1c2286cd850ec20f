"""SHA-256 digests of files, code and settings."""

import functools
import hashlib
import json
from importlib.metadata import distributions
from pathlib import Path

from propensity import __version__


def digest_files(files: list[Path]) -> str:
    """SHA-256 of the contents of all files in order; file names do not matter."""
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.cache
def digest_code(folder: Path) -> str:
    """SHA-256 of every source file below a folder and the versions of all installed packages."""
    sources = {str(p.relative_to(folder)): digest_file(p) for p in folder.rglob("*.py")}
    return digest_facts([sources, sorted({(d.name, d.version) for d in distributions()})])


def digest_facts(facts: object) -> str:
    """SHA-256 of facts as sorted JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def digest_config(contract_digest: str, decisive: dict[str, object]) -> str:
    """SHA-256 of all that determines the scores, except the book: contract, settings, code."""
    text = json.dumps([contract_digest, decisive, __version__], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
