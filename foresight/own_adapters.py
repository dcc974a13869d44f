"""Recognise a foreign package called `adapters`, a name that others use too."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from foresight.errors import UserError

OURS = "from adapters.base import AbstractAdapter"
"""A line that the `adapters` of this project has in its `__init__.py`."""


def require_own_adapters() -> None:
    """Check that `import adapters` finds the package that comes with foresight; nothing is imported.

    Raises:
        UserError: if it finds another package or a folder of that name, or none.
    """
    spec = find_spec("adapters")
    if spec is not None and spec.origin is not None and OURS in Path(spec.origin).read_text(encoding="utf-8"):
        return
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), str(spec.origin)]
    raise UserError(
        expected="the package `adapters` that is installed with foresight",
        got=f"another of that name, {places[0]}" if places else "none",
        remedy="run from a folder without that one; if pip put it there, `pip uninstall adapters`, then install "
        "foresight-wm again with --force-reinstall --no-deps",
    )
