"""The page of what the exit code of a command says, for a scheduler, made from the errors."""

import inspect
from collections.abc import Iterator

from propensity.errors import PropensityError
from propensity.reference.markdown import write_table

INTRODUCTION = """\
# Exit codes

Made by `python -m propensity.reference` from propensity/errors.py. Every command of
`propensity` ends with one of these; the message on stderr begins with the name of the error. A
night that ends with 1 to 6 leaves readers the last published night; in Prefect its run is Failed.

"""


Row = tuple[int, str, str, str]
"""Exit code, name of the error or nothing, what happened, and what to do next."""
WITHOUT_ERROR: list[Row] = [
    (0, "", "Done, or this very night was published before.", "nothing"),
    (1, "", "A file cannot be read or written, or a bug.", "read the log; report a bug"),
    (2, "", "Wrong usage, or a setting out of bounds.", "mend the command or the setting"),
    (130, "", "Stopped with Ctrl-C.", "run it again"),
]
TODO = {
    3: "the message names file, line and column; ask for the file, run again",
    4: "the message says whether to look at the responses in the book or at changed model files",
    5: "check the database; run again",
    6: "wait for the other one",
}


def list_exit_codes() -> list[Row]:
    """Return all exit codes, in order."""
    found = [
        (e.exit_code, f"`{e.__name__}`", inspect.getdoc(e) or "", TODO[e.exit_code])
        for e in _find_errors(PropensityError)
    ]
    return sorted([*WITHOUT_ERROR, *found], key=lambda row: row[0])


def describe_exit_codes() -> str:
    """Return the page in Markdown."""
    rows = [(str(code), *words) for code, *words in list_exit_codes()]
    return INTRODUCTION + write_table(["exit code", "error", "meaning", "do"], rows)


def _find_errors(parent: type[PropensityError]) -> Iterator[type[PropensityError]]:
    for error in parent.__subclasses__():
        yield error
        yield from _find_errors(error)
