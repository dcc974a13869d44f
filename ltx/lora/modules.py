"""The parts of a model by their own names: compiling the model, or a block of it, does not change them."""

from __future__ import annotations

from torch import nn


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """Each module by name; of a compiled one, what was compiled."""
    return {_plain(name): module for name, module in model.named_modules()}


def parameters_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """Each parameter by name."""
    return {_plain(name): parameter for name, parameter in model.named_parameters()}


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != "_orig_mod")
