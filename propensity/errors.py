"""Errors built from facts: what was found, where, what was expected, what to do next."""


class PropensityError(Exception):
    """Base class of every error that the job raises on purpose.

    Args:
        found: What was found, and where (file, line, column).
        expected: What was expected instead.
        todo: What the reader should do next.
    """

    exit_code = 1

    def __init__(self, found: str, *, expected: str = "", todo: str = "") -> None:
        self.found, self.expected, self.todo = found, expected, todo
        sentences = (found, expected and f"Expected {expected}", todo)
        super().__init__(" ".join(f"{s.rstrip('.')}." for s in sentences if s))


class ContractError(PropensityError):
    """A contract file that contradicts itself."""

    exit_code = 3


class InputError(PropensityError):
    """The policyholder files cannot be used tonight."""

    exit_code = 3


class ModelError(PropensityError):
    """No model may score tonight, or a stored model is missing or gives other scores."""

    exit_code = 4


class ChangedModelError(ModelError):
    """A file of a stored model is missing or was changed; the model is not loaded."""


class WarehouseError(PropensityError):
    """The database failed, the audit failed, or the requested run or version is not stored."""

    exit_code = 5


class WarehouseAwayError(WarehouseError):
    """The database cannot be reached or the connection was lost; a retry may help."""


class BusyError(PropensityError):
    """Another night is in progress in the same data folder or warehouse."""

    exit_code = 6
