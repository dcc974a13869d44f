"""Fréchet distance between two sets of videos, where a network for their features is present (FVD)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError

Features = Callable[[Float[Tensor, "batch 3 frame height width"]], Float[Tensor, "batch feature"]]

ABSENT = "absent: no I3D network is named (fvd=)"


def frechet_distance(one: Float[Tensor, "video feature"], other: Float[Tensor, "video feature"]) -> float:
    """Squared Fréchet distance of the Gaussians with the sets' means and covariances (Dowson & Landau, 1982).

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½); the trace of the root is the sum of the singular values of Σ₁^½ Σ₂^½.

    Raises:
        ValueError: if a set has fewer than two videos.
    """
    if min(len(one), len(other)) < 2:
        raise ValueError(f"expected at least 2 videos in each set, got {len(one)} and {len(other)}")
    a, b = one.double(), other.double()
    centred = [(x - x.mean(dim=0)) / (len(x) - 1) ** 0.5 for x in (a, b)]
    spread = sum(float(x.square().sum()) for x in centred)
    # With Σ = XᵀX the singular values of X₁X₂ᵀ are those of the roots' product: no root of a matrix is needed.
    shared = float(torch.linalg.svdvals(centred[0] @ centred[1].T).sum())
    return float((a.mean(dim=0) - b.mean(dim=0)).square().sum()) + spread - 2 * shared


def i3d(path: str | Path) -> Features:
    """The I3D network of Fréchet video distance (arXiv 1812.01717) from its usual TorchScript file.

    A TorchScript file is a program: name one only if you trust where it comes from. Videos are resized by the network.

    Raises:
        UserError: if there is no such file, or it is none.
    """
    try:
        network = torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(
            expected=f"the TorchScript file of I3D at {path}",
            got=str(error).strip().splitlines()[0],
            remedy="name the file, or leave out fvd=",
        ) from error

    @torch.no_grad()
    def features(videos: Float[Tensor, "batch 3 frame height width"]) -> Float[Tensor, "batch feature"]:
        found = network(videos.float(), rescale=False, resize=True, return_features=True)
        assert isinstance(found, Tensor)
        return found.flatten(1)

    return features
