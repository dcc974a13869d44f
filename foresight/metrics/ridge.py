"""Linear probes: ridge regression whose strength is chosen on held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

STRENGTHS = tuple(10.0**exponent for exponent in range(-6, 4))
"""Tried strengths, in units of the mean squared length of a row of inputs."""

HELD_OUT = 0.2
"""Share of the rows, the last ones, on which strengths are compared."""


@dataclass(frozen=True)
class LinearProbe:
    """y ≈ W·x + b.

    Attributes:
        weight: W.
        bias: b.
        strength: of the ridge, in units of the mean squared length of a row of inputs.
    """

    weight: Float[Tensor, "output input"]
    bias: Float[Tensor, " output"]
    strength: float

    def __call__(self, x: Float[Tensor, "row input"]) -> Float[Tensor, "row output"]:
        """Predictions from each row."""
        return x @ self.weight.T + self.bias


def fit_ridge(
    x: Float[Tensor, "row input"], y: Float[Tensor, "row output"], strengths: Sequence[float] = STRENGTHS
) -> LinearProbe:
    """Minimise Σ‖y − W·x − b‖² + λ‖W‖², with the λ that is best on the last rows, then on all rows.

    Args:
        x: inputs; rows of one clip stand together, so that none is on both sides.
        y: outputs.
        strengths: what λ may be, in units of the mean squared length of a centred row.

    Raises:
        ValueError: if there are fewer than 5 rows, or x and y have different numbers of them.
    """
    if len(x) != len(y) or len(x) < 5:
        raise ValueError(f"expected at least 5 rows of inputs and as many of outputs, got {len(x)} and {len(y)}")
    kept = len(x) - max(1, int(HELD_OUT * len(x)))
    tried = _solutions(x[:kept], y[:kept], strengths)
    errors = [float((probe(x[kept:]) - y[kept:]).square().sum()) for probe in tried]
    return _solutions(x, y, [strengths[errors.index(min(errors))]])[0]


def _solutions(x: Tensor, y: Tensor, strengths: Sequence[float]) -> list[LinearProbe]:
    """One probe per strength, from one eigendecomposition of the smaller of XᵀX and XXᵀ."""
    centre, middle = x.mean(dim=0), y.mean(dim=0)
    rows, wanted = (x - centre).double(), (y - middle).double()
    narrow = rows.shape[1] <= rows.shape[0]
    gram = rows.T @ rows if narrow else rows @ rows.T
    values, vectors = torch.linalg.eigh(gram)
    unit = max(float(rows.square().sum()) / len(rows), 1e-300)
    turned = vectors.T @ (rows.T @ wanted if narrow else wanted)
    found = []
    for strength in strengths:
        solved = vectors @ (turned / (values.clamp(min=0) + strength * unit)[:, None])
        weight = (solved if narrow else rows.T @ solved).T.to(x.dtype)
        found.append(LinearProbe(weight, middle - weight @ centre, strength))
    return found
