"""Plausibilities: figures of each candidate before anything was observed. Each is found by name."""

from foresight.verify.plausibility.base import AbstractPlausibility
from foresight.verify.signals.registry import discover, named

PLAUSIBILITIES: dict[str, AbstractPlausibility] = discover(__name__, list(__path__), AbstractPlausibility)  # type: ignore[type-abstract]


def plausibility(name: str) -> AbstractPlausibility:
    """A plausibility by name.

    Raises:
        ValueError: if there is none.
    """
    return named(name, PLAUSIBILITIES, "a plausibility")


__all__ = ["PLAUSIBILITIES", "AbstractPlausibility", "plausibility"]
