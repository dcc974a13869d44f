"""From plain configurations to objects: each `_target_` is called with the values beside it, which stay what they are.

No text is interpolated here, whatever it holds: what a user or a file wrote arrives as it was written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from foresight.cli.allowed import locate
from foresight.cli.typed import check_values, with_homes
from foresight.errors import UserError

TARGET, PARTIAL = "_target_", "_partial_"


def construct(node: Any, place: str, *, packages: Collection[str] = ()) -> Any:
    """Object that a plain configuration describes; its targets have been checked.

    Args:
        node: plain values. A mapping with `_target_` becomes what calling it with the other entries gives, or with
            `_partial_: true` a function that still takes the rest; all others are copied.
        place: where it stands, for messages.
        packages: of the user's own, which he has let in.

    Raises:
        UserError: if a target does not take the entries beside it, or values of their types.
        Exception: what a constructor of ours or of the user's raised.
    """
    if isinstance(node, list | tuple):
        return [construct(value, f"{place}[{index}]", packages=packages) for index, value in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    values = {
        key: construct(value, f"{place}.{key}" if place else str(key), packages=packages)
        for key, value in node.items()
        if key not in (TARGET, PARTIAL)
    }
    if TARGET not in node:
        return values
    target, later = locate(node[TARGET], packages), node.get(PARTIAL, False) is True
    _check_arguments(target, node[TARGET], values, place, later=later)
    check_values(target, values, place)
    values = with_homes(target, values)
    call = partial(_call, target, node[TARGET], place)
    return partial(call, **values) if later else call(**values)


def _check_arguments(
    target: Callable[..., Any], name: str, values: Mapping[str, Any], place: str, *, later: bool
) -> None:
    """Refuse entries that a target does not take, before it is called."""
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):  # a class written in C says nothing
        return
    try:
        (signature.bind_partial if later else signature.bind)(**values)
    except TypeError as error:
        raise UserError(
            expected=f"at {place} what {name} takes ({', '.join(signature.parameters)})",
            got=f"{', '.join(map(str, values)) or 'nothing'}: {error}",
            remedy="mend that entry",
        ) from error


def _call(target: Callable[..., Any], name: str, place: str, /, *rest: Any, **values: Any) -> Any:
    """Call a target. What code of others thinks of a user's values is told as his to mend."""
    try:
        return target(*rest, **values)
    except (ValueError, OSError):
        raise
    except Exception as error:
        if str(getattr(target, "__module__", "")).split(".")[0] in ("ltx", "adapters", "foresight"):
            raise
        raise UserError(
            expected=f"at {place} values that {name} takes",
            got=f"{type(error).__name__}: {error}",
            remedy="mend the value it speaks of",
        ) from error
