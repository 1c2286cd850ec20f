"""Files that are whole or not there: a file has a temporary name until it is finished."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_whole(path: Path, ending: str = "") -> Iterator[Path]:
    """Let a file be written under another name; it takes its own when the block ends well.

    Whatever stood there before is there until then. A process that is killed leaves at most a file
    `NAME.unfinished`, which nobody reads and the next one replaces.

    Args:
        path: The file, in a folder that is there. A device or a pipe is written to as it is.
        ending: Added to the temporary name, for those who look at it.

    Yields:
        What to write to.

    Raises:
        OSError: It cannot be written or renamed.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()  # a link stays one
    unfinished = name_unfinished(target, ending)
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def name_unfinished(path: Path, ending: str = "") -> Path:
    """The name a file has until it is whole, in the same folder: renaming is one step there."""
    return path.with_name(f"{path.name}.unfinished{ending}")
