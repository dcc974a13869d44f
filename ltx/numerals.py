"""Numbers as other libraries and people write them: of numpy and torch, fractions, and text like 30000/1001."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import Any


def whole(name: str, value: Any) -> int:
    """A whole number from an integer of any library, or a float without a fraction.

    Raises:
        ValueError: for anything else, a bool included.
    """
    if type(value).__name__ not in ("bool", "bool_"):
        try:
            return operator.index(value)
        except (TypeError, ValueError):
            pass
        try:
            if math.isfinite(float(value)) and float(value) == int(value) and not isinstance(value, str | bytes):
                return int(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            pass
    raise ValueError(f"expected a whole number for {name}, got {value!r}")


def number(name: str, value: Any) -> float:
    """A finite number from a number of any library, a fraction, or text such as "29.97" and "30000/1001".

    Raises:
        ValueError: for anything else, a bool included.
    """
    if type(value).__name__ not in ("bool", "bool_"):
        try:
            found = float(Fraction(value)) if isinstance(value, str) else float(value)
            if math.isfinite(found) and not isinstance(value, bytes):
                return found
        except (TypeError, ValueError, ZeroDivisionError, OverflowError, RuntimeError):
            pass
    raise ValueError(f"expected a finite number for {name}, got {value!r}")
