"""Time grids of a sampling run: N descending times in (0, 1]; the step after the last one goes to 0.

Releases 0.9.0 and 0.9.1 space their times uniformly, shift them by the number of latent tokens and stretch them to end
at 0.1; later releases use linear-quadratic spacing (Movie Gen, arXiv 2410.13720) without a shift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

# The shift grows linearly in the number of tokens through these two points, without bounds on either side.
SHIFT_TOKENS = (1024, 4096)
SHIFT_RANGE = (0.95, 2.05)


def uniform(steps: int) -> Float[Tensor, " step"]:
    """Times 1, (N−1)/N, …, 1/N."""
    _check_steps(steps)
    return torch.linspace(1, 1 / steps, steps)


def linear_quadratic(steps: int, *, threshold: float = 0.025) -> Float[Tensor, " step"]:
    """Small equal steps from 1 to 1 − threshold in the first ⌊N/2⌋, then quadratically growing ones.

    With L = ⌊N/2⌋ and noise removed s_i = 1 − t_i: s_i = i·threshold/L for i < L, else a·i² + b·i + a·L², where a and b
    join the pieces smoothly and reach 1 at i = N.
    """
    _check_steps(steps)
    if steps == 1:
        return torch.ones(1)
    linear = steps // 2
    quadratic = steps - linear
    excess = linear - threshold * steps
    a = excess / (linear * quadratic**2)
    b = threshold / linear - 2 * excess / quadratic**2
    removed = [i * threshold / linear if i < linear else a * i * i + b * i + a * linear**2 for i in range(steps)]
    return torch.tensor([1 - s for s in removed])


def token_shift(tokens: int) -> float:
    """Exponent μ(n) of the shift for n latent tokens: the line through (1024, 0.95) and (4096, 2.05)."""
    if tokens < 1:
        raise ValueError(f"expected at least 1 latent token, got {tokens}")
    (n_0, n_1), (mu_0, mu_1) = SHIFT_TOKENS, SHIFT_RANGE
    return mu_0 + (tokens - n_0) * (mu_1 - mu_0) / (n_1 - n_0)


def shift(sigmas: Float[Tensor, " step"], mu: float) -> Float[Tensor, " step"]:
    """Move times towards noise for mu > 0: t' = e^μ / (e^μ + 1/t − 1), i.e. logit t' = logit t + μ."""
    # In float32 and in this order, as the releases do: later times differ in the last bit.
    return math.exp(mu) / (math.exp(mu) + (1 / sigmas - 1))


def stretch(sigmas: Float[Tensor, " step"], terminal: float) -> Float[Tensor, " step"]:
    """Scale the removed noise 1 − t so that the last time is exactly `terminal` (in (0, 1)).

    Raises:
        ValueError: if terminal is outside (0, 1), or the last time is 1 and nothing can be scaled.
    """
    if not 0 < terminal < 1:
        raise ValueError(f"expected a terminal time between 0 and 1, got {terminal}")
    removed = 1 - sigmas
    if removed[-1] <= 0:
        raise ValueError(f"expected a last time below 1 to stretch to {terminal}, got {float(sigmas[-1])}")
    return 1 - removed / (removed[-1] / (1 - terminal))


def explicit(sigmas: Sequence[float]) -> Float[Tensor, " step"]:
    """A given list of times, checked: non-empty, strictly descending, within (0, 1]."""
    times = [float(t) for t in sigmas]
    descending = all(a > b for a, b in pairwise(times))
    if not times or not descending or times[0] > 1 or times[-1] <= 0:
        raise ValueError(f"expected strictly descending times in (0, 1], got {times}")
    return torch.tensor(times)


def skip_steps(sigmas: Float[Tensor, " step"], *, initial: int, final: int) -> Float[Tensor, " kept"]:
    """The times without the first `initial` and the last `final` ones; the last kept step then goes straight to 0.

    Raises:
        ValueError: if a count is negative or no step is left.
    """
    steps = len(sigmas)
    if initial < 0 or final < 0 or initial + final >= steps:
        raise ValueError(
            f"expected to skip fewer than {steps} steps in all, got {initial} at the start and {final} at the end"
        )
    return sigmas[initial : steps - final]


def check_allowed(sigmas: Float[Tensor, " step"], allowed: Sequence[float]) -> None:
    """Refuse times a distilled checkpoint was not trained for (compared after rounding to 4 decimals).

    Raises:
        ValueError: naming the times that are not in the checkpoint's `allowed_inference_steps`.
    """
    known = {round(float(t), 4) for t in allowed}
    unknown = [t for t in (round(float(t), 4) for t in sigmas) if t not in known]
    if unknown:
        raise ValueError(
            f"this checkpoint allows only the times {sorted(known, reverse=True)}, got {unknown}; "
            "use its preset, or pass a list of allowed times"
        )


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"expected at least 1 step, got {steps}")
