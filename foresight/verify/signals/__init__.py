"""Signals: figures of a prediction against the observed future. Each is found by name."""

from foresight.verify.signals.base import AbstractSignal
from foresight.verify.signals.registry import discover, named

SIGNALS: dict[str, AbstractSignal] = discover(__name__, list(__path__), AbstractSignal)  # type: ignore[type-abstract]


def signal(name: str) -> AbstractSignal:
    """A signal by name.

    Raises:
        ValueError: if there is none.
    """
    return named(name, SIGNALS, "a signal")


__all__ = ["SIGNALS", "AbstractSignal", "signal"]
