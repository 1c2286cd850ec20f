"""What the exit code of a command says, for a scheduler: one page, made from the errors.

Write docs/exit-codes.md: .venv/bin/python -m propensity.reference.exit_codes > docs/exit-codes.md
"""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from propensity.errors import PropensityError

INTRODUCTION = """\
# Exit codes

Made by `python -m propensity.reference.exit_codes` from propensity/errors.py. Every command of
`propensity` ends with one of these; the message on stderr begins with the name of the error. A
night that ends with 1 to 6 leaves readers the last published night; in Prefect its run is Failed.

| exit code | error | meaning | do |
|---|---|---|---|
"""


@dataclass(frozen=True)
class ExitCode:
    """A row of the page.

    Args:
        code: What the process ends with.
        error: The name the message begins with; empty where there is none.
        meaning: What happened.
        todo: What the reader should do next.
    """

    code: int
    error: str
    meaning: str
    todo: str


WITHOUT_ERROR = [
    ExitCode(0, "", "Done, or this very night was published before.", "nothing"),
    ExitCode(1, "", "A file cannot be read or written, or a bug.", "read the log; report a bug"),
    ExitCode(2, "", "Wrong usage, or a setting out of bounds.", "mend the command or the setting"),
    ExitCode(130, "", "Stopped with Ctrl-C.", "run it again"),
]
TODO = {
    3: "the message names file, line and column; ask for the file, run again",
    4: "the message says whether to look at the responses in the book or at changed model files",
    5: "check the database; run again",
    6: "wait for the other one",
}


def list_exit_codes() -> list[ExitCode]:
    """All exit codes, in order."""
    found = [
        ExitCode(e.exit_code, e.__name__, inspect.getdoc(e) or "", TODO[e.exit_code])
        for e in _find_errors(PropensityError)
    ]
    return sorted([*WITHOUT_ERROR, *found], key=lambda row: row.code)


def describe_exit_codes() -> str:
    """Return the page in Markdown."""
    rows = (
        f"| {row.code} | {f'`{row.error}`' if row.error else ''} | {row.meaning} | {row.todo} |\n"
        for row in list_exit_codes()
    )
    return INTRODUCTION + "".join(rows)


def _find_errors(parent: type[PropensityError]) -> Iterator[type[PropensityError]]:
    for error in parent.__subclasses__():
        yield error
        yield from _find_errors(error)


if __name__ == "__main__":
    sys.stdout.write(describe_exit_codes())
