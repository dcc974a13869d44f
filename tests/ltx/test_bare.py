"""Weights are used in place of a layer only where calling it would do nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ltx.bare import is_bare
from ltx.vae.residual import _pointwise


def test_only_a_layer_as_torch_made_it_is_bare() -> None:
    """Hooks, a `forward` of its own, a parametrisation and a class of somebody else's are all noticed."""
    assert is_bare(nn.Linear(2, 2), nn.Linear)
    hooked, listened, taken = (nn.Linear(2, 2) for _ in range(3))
    hooked.register_forward_hook(lambda module, given, output: output)
    listened.register_forward_pre_hook(lambda module, given: None)
    taken.forward = lambda given: given  # type: ignore[method-assign]
    own = type("Own", (nn.Linear,), {})(2, 2)
    assert not any(is_bare(layer, nn.Linear) for layer in (hooked, listened, taken, own, weight_norm(nn.Linear(2, 2))))


def test_a_shortcut_of_the_vae_is_called_when_something_listens() -> None:
    """The 1×1×1 convolution that is computed from its weights gives the same when called, and then hears a hook."""
    torch.manual_seed(0)
    convolution, x = nn.Conv3d(3, 4, 1), torch.randn(1, 3, 2, 4, 4)
    plain: Tensor = convolution(x)
    assert torch.allclose(_pointwise(convolution, x), plain, atol=1e-6)
    convolution.register_forward_hook(lambda module, given, output: output + 1)
    assert torch.allclose(_pointwise(convolution, x), plain + 1, atol=1e-6)
