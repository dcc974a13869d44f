"""The colours of bodies."""

from __future__ import annotations

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (230, 60, 60),
    "green": (60, 200, 90),
    "blue": (70, 120, 245),
    "yellow": (240, 210, 60),
}
"""Names and RGB values of the body colours; one scene never uses a colour twice."""
