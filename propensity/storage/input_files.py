"""Find the CSV files of a book."""

import glob
from pathlib import Path

from propensity.errors import InputError


def find_files(patterns: list[str]) -> list[Path]:
    """Expand files and globs in the given order; the matches of a glob are sorted.

    Raises:
        InputError: A pattern matches no file, a match is not a file, or a file is given twice.
    """
    found: list[Path] = []
    for pattern in patterns:
        # An existing name with brackets is not a glob; Path.glob rejects absolute patterns.
        matches = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern))  # noqa: PTH207
        if not matches:
            todo = "Correct the path, or start in another folder"
            raise InputError(f"No file matches {pattern!r} in {Path.cwd()}", todo=todo)
        found += [Path(m) for m in matches]
    _check_files(found)
    return found


def _check_files(found: list[Path]) -> None:
    if not found:
        todo = "Name CSV files or globs, or set PROPENSITY_CSV"
        raise InputError("No CSV file was given", expected="one or more", todo=todo)
    seen: set[Path] = set()
    for path in found:
        if not path.is_file():
            todo = f"Give a pattern such as '{path}/*.csv'"
            raise InputError(f"{path} is not a file", expected="a CSV file", todo=todo)
        if path.resolve() in seen:
            todo = "Remove one of the two, or narrow the pattern"
            raise InputError(f"{path} is given twice", expected="each file once", todo=todo)
        seen.add(path.resolve())
