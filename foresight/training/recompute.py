"""Gradient checkpointing: run chosen blocks again in the backward pass instead of keeping their activations."""

from __future__ import annotations

import re
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute(model: nn.Module, pattern: str) -> nn.Module:
    """Make every submodule whose name matches in full recompute its forward pass in the backward pass.

    Parameters, their names and the numbers stay the same; memory falls to one activation per block, time rises by about
    a third. Returns the model, changed in place.

    Raises:
        ValueError: if no submodule matches.
    """
    blocks = [module for name, module in model.named_modules() if re.fullmatch(pattern, name)]
    if not blocks:
        names = ", ".join(name for name, _ in model.named_modules() if name.count(".") == 1)
        raise ValueError(f"expected {pattern!r} to match a submodule; there are {names}")
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    return model
