"""Training or evaluation mode: one rule for every recipe."""

from __future__ import annotations

from torch import nn


def set_modes(module: nn.Module) -> None:
    """Put what trains into training mode and what is frozen into evaluation mode, in whichever mode it came.

    A network that was read comes in evaluation mode, a fresh one in training mode; which of the two a recipe starts
    from must not decide whether dropout, noise and the objective's terms are in force. A part without parameters (a
    dropout layer, say) goes with the network around it.

    Args:
        module: with `requires_grad` set as it is trained.
    """
    module.train()
    for part in module.children():
        _settle(part)


def _settle(part: nn.Module) -> None:
    parameters = list(part.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        part.eval()
    else:
        for child in part.children():
            _settle(child)
