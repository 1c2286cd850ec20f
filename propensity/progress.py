"""How long work says how far it is."""

from collections.abc import Callable

OnProgress = Callable[[float], None]
"""Called with the share done, 0 to 1."""


def ignore_progress(_share: float) -> None:
    """Show nothing."""
