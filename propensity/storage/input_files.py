"""Which CSV files make tonight's book, and the digest that tells one book from another."""

import glob
from pathlib import Path

from propensity.errors import InputError


def find_files(patterns: list[str]) -> list[Path]:
    """Expand files and globs, in the order given, globs sorted.

    Raises:
        InputError: A pattern that matches no file, or one file twice.
    """
    found: list[Path] = []
    for pattern in patterns:
        # a name with brackets in it is a name; Path.glob refuses absolute patterns
        matches = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern))  # noqa: PTH207
        if not matches:
            todo = "Correct the path, or start from another folder"
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
