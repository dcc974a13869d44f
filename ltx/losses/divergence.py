"""Kullback–Leibler divergence of the latent posterior from the standard normal."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

LOG_VARIANCE_RANGE = (-30.0, 20.0)


def kl_loss(
    mean: Float[Tensor, "batch channel frame height width"],
    log_variance: Float[Tensor, "batch one_or_channel frame height width"],
) -> Float[Tensor, ""]:
    """KL( N(mean, exp(log_variance)) ‖ N(0, 1) ) in nats, averaged over all latent values.

    ½ (mean² + exp(ℓ) − 1 − ℓ), with ℓ clamped to [−30, 20]. LTX-Video's encoder gives one log-variance for all
    channels of a place; it is counted once for each of them.

    Args:
        mean: un-normalised posterior mean.
        log_variance: one channel shared by all, or one for each.

    Raises:
        ValueError: if the log-variance has neither one channel nor as many as the mean, or is of another grid.
    """
    shared = (mean.shape[0], 1, *mean.shape[2:])
    if log_variance.shape not in (shared, mean.shape):
        raise ValueError(
            f"expected a log-variance of shape {shared} or {tuple(mean.shape)}, got {tuple(log_variance.shape)}"
        )
    log_variance = log_variance.clamp(*LOG_VARIANCE_RANGE)
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
