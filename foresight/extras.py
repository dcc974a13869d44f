"""Packages that only some uses need: one line says which extra of this distribution installs what is missing."""

from __future__ import annotations

from importlib.util import find_spec

from foresight.errors import UserError

EXTRAS = {
    "lightning": "train",
    "pymunk": "physics",
    "torchmetrics": "evaluate",
    "torchvision": "vision",
    "qwen_vl_utils": "qwen",
}
"""The extra in `pyproject.toml` by the name that a package is imported by."""


def missing(package: str) -> UserError:
    """What to say where one of these packages is not installed."""
    return UserError(
        expected=f"the package {package}, which this needs",
        got="none",
        remedy=f'pip install "foresight-wm[{EXTRAS[package]}]"',
    )


def require(package: str) -> None:
    """Refuse to go on without one of these packages.

    Raises:
        UserError: if it is not installed.
    """
    if find_spec(package) is None:
        raise missing(package)
