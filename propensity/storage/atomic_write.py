"""Atomic writes: a file has a temporary name until it is complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_whole(path: Path, ending: str = "") -> Iterator[Path]:
    """Yield a temporary name to write to, and rename it to `path` if the block succeeds.

    An existing file stays until then. A process that is killed leaves at most a file
    `NAME.unfinished`, which nobody reads and the next writer replaces.

    Args:
        path: File in an existing folder. A device or a pipe is written to directly.
        ending: Suffix of the temporary name, to tell writers apart.

    Yields:
        Path to write to.

    Raises:
        OSError: The file cannot be written or renamed.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()  # a symbolic link is kept: its target is replaced
    unfinished = name_unfinished(target, ending)
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def name_unfinished(path: Path, ending: str = "") -> Path:
    """Return the temporary name of a file, in the same folder so that renaming is atomic."""
    return path.with_name(f"{path.name}.unfinished{ending}")
