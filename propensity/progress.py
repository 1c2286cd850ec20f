"""The callback through which long work reports its progress."""

from collections.abc import Callable

OnProgress = Callable[[float], None]
"""Called with the completed share, 0 to 1."""


def ignore_progress(_share: float) -> None:
    """Ignore the progress."""
