"""What a configuration may construct: our own classes and functions, and foreign classes by name. Nothing else."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

OURS = ("ltx", "adapters", "foresight")

FOREIGN = frozenset(
    {
        "torch.optim.AdamW",
        "torch.optim.Adam",
        "torch.optim.SGD",
        "lightning.Trainer",
        "lightning.pytorch.callbacks.LearningRateMonitor",
        "lightning.pytorch.loggers.CSVLogger",
        "lightning.pytorch.loggers.TensorBoardLogger",
        "lightning.pytorch.loggers.WandbLogger",
        "lightning.pytorch.strategies.DDPStrategy",
        "lightning.pytorch.strategies.ModelParallelStrategy",
        "lightning.pytorch.plugins.environments.SLURMEnvironment",
        "torchmetrics.image.PeakSignalNoiseRatio",
        "torchmetrics.image.StructuralSimilarityIndexMeasure",
        "torchmetrics.regression.MeanSquaredError",
    }
)
"""Full names of foreign classes; a pattern would let in what a later release adds."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+")


class ForbiddenTargetError(ValueError):
    """A configuration asks for something that configurations may not construct."""


def check_targets(node: Any, place: str = "") -> None:
    """Refuse a plain configuration that would construct anything outside the allow-list, before any foreign import.

    Raises:
        ForbiddenTargetError: if a `_target_` is not allowed, or text is left that would be interpolated again.
    """
    if isinstance(node, dict):
        if "_target_" in node:
            check_target(node["_target_"], place)
        for key, value in node.items():
            check_targets(value, f"{place}.{key}" if place else str(key))
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            check_targets(value, f"{place}[{index}]")
    elif isinstance(node, str) and "${" in node:
        raise ForbiddenTargetError(f"expected a resolved value at {place}, got {node!r}, an escaped interpolation")


def check_target(target: Any, place: str) -> None:
    """Refuse one `_target_`.

    Ours are public classes, functions and class methods that our packages define: a module that one of our modules has
    imported does not become reachable through it.

    Raises:
        ForbiddenTargetError: if it is not allowed.
    """
    if isinstance(target, str) and target in FOREIGN:
        return
    if not isinstance(target, str) or not _NAME.fullmatch(target) or not _defined_by_us(target):
        raise ForbiddenTargetError(
            f"expected _target_ at {place or 'the top'} to be defined in {', '.join(OURS)} or one of "
            f"{len(FOREIGN)} named classes, got {target!r}; see foresight/cli/allowed.py"
        )


def _defined_by_us(target: str) -> bool:
    parts = target.split(".")
    if parts[0] not in OURS or target.startswith("foresight.cli."):
        return False
    length = _module_length(parts)
    found: Any = import_module(".".join(parts[:length]))
    rest = parts[length:]
    if not 1 <= len(rest) <= 2:
        return False
    for name in rest:
        if isinstance(found, ModuleType | type):
            found = getattr(found, name, None)
        else:
            return False
    home = getattr(found, "__module__", None) or ""
    return callable(found) and not isinstance(found, ModuleType) and home.split(".")[0] in OURS


def _module_length(parts: list[str]) -> int:
    """How many leading parts name a module of ours."""
    for length in range(2, len(parts) + 1):
        parent = import_module(".".join(parts[: length - 1]))
        is_module = hasattr(parent, "__path__") and find_spec(".".join(parts[:length])) is not None
        if not is_module:
            return length - 1
    return len(parts)
