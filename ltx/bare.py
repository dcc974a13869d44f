"""Check that a layer's weights say all that calling it does."""

from __future__ import annotations

from torch import nn


def is_bare(layer: nn.Module, kind: type[nn.Module]) -> bool:
    """True if the layer is of exactly this class and nothing listens to its calls or has taken them over.

    Only then may its weights be used in place of calling it. What low-rank updates, quantisation, parametrisation,
    offloading and forward hooks do is heard by calling the layer alone.
    """
    watched = layer._forward_hooks or layer._forward_pre_hooks
    # torchao puts tensors of its own kinds into a layer that stays a plain one.
    plain = all(type(weight) is nn.Parameter for weight in layer._parameters.values() if weight is not None)
    return type(layer) is kind and plain and not watched and "forward" not in vars(layer)
