"""Objectives of an adapter's latent forecast: distances that add up, and repair by the flow.

ẑ is compared with the true latents value by value (squared error), by direction (cosine), by structure (linear CKA,
arXiv 1905.00414, eq. 5) and, where the adapter knows its own uncertainty, by likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from adapters import LatentForecast
from foresight.data.batch import FeatureBatch
from foresight.training.objectives.adapter import AdaptedTransformer, check_context, known_tokens
from foresight.training.objectives.sentences import DroppedText
from foresight.world.denoiser import ConditionedSequence, future_velocity
from ltx.flow.path import clean_from_velocity, interpolate
from ltx.flow.training import AbstractSigmaDistribution
from ltx.shapes import to_tokens
from ltx.text import EncodesText

Latents = Float[Tensor, "batch token channel"]


def squared_error(forecast: LatentForecast, truth: Latents) -> Float[Tensor, ""]:
    """Mean over all values; 1 for the forecast 0, as latents are normalised."""
    return (forecast.latents.float() - truth).square().mean()


def cosine_distance(forecast: LatentForecast, truth: Latents) -> Float[Tensor, ""]:
    """1 − cosine, mean over tokens: 0 for the same direction, 2 for the opposite one."""
    return 1 - cosine_similarity(forecast.latents.float(), truth, dim=-1).mean()


def cka_distance(forecast: LatentForecast, truth: Latents) -> Float[Tensor, ""]:
    """1 − linear CKA over all tokens of the batch: 0 where both hold the same structure up to rotation and scale."""
    one, other = (_centred(values.float().flatten(0, 1)) for values in (forecast.latents, truth))
    shared = (one.T @ other).square().sum()
    # Not the root of a sum of squares: its slope at a forecast of zeros, where training starts, is not a number.
    own = torch.linalg.vector_norm(one.T @ one) * torch.linalg.vector_norm(other.T @ other)
    distance: Tensor = 1 - shared / own.clamp(min=1e-12)
    return distance


def negative_log_likelihood(forecast: LatentForecast, truth: Latents) -> Float[Tensor, ""]:
    """−log N(z | ẑ, exp(log-variance)) per value, without the constant ½·log 2π.

    Raises:
        ValueError: if the forecast claims no variance.
    """
    if forecast.log_variance is None:
        raise ValueError("expected a forecast with a log-variance for its likelihood, got one without: use `latent`")
    log_variance = forecast.log_variance.float()
    error = (forecast.latents.float() - truth).square()
    return ((error * (-log_variance).exp() + log_variance) / 2).mean()


MEASURES: dict[str, Callable[[LatentForecast, Latents], Float[Tensor, ""]]] = {
    "squared_error": squared_error,
    "cosine": cosine_distance,
    "cka": cka_distance,
    "likelihood": negative_log_likelihood,
}


class ForecastFit:
    """Weighted sum of `MEASURES` between the forecast and the true future latents.

    Args:
        weights: by name of the measure.
        context: latent frames that are given.

    Raises:
        ValueError: if there is none, or one is unknown.
    """

    def __init__(self, *, weights: Mapping[str, float], context: int) -> None:
        check_context(context)
        unknown = sorted(weights.keys() - MEASURES.keys())
        if unknown or not weights:
            raise ValueError(f"expected weights of {', '.join(MEASURES)}; got {', '.join(unknown) or 'none'}")
        self._weights, self._context = dict(weights), context

    def __call__(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """The sum, and each measure by name.

        Raises:
            ValueError: if the adapter makes no forecast.
        """
        known = known_tokens(batch, self._context)
        forecast = _forecast(model.conditioning(batch, known).forecast)
        truth = to_tokens(batch["latents"])[:, known:]
        found = {name: MEASURES[name](forecast, truth) for name in self._weights}
        loss = torch.stack([weight * found[name] for name, weight in self._weights.items()]).sum()
        return {"loss": loss, **{name: value.detach() for name, value in found.items()}}


class Refinement:
    """One step of the frozen flow from the noised forecast, x = (1−σ*)·ẑ + σ*·ε, to the clean latents.

    The mean squared error of x − σ*·v(x, σ*) trains ẑ to be repairable at every noise level it may enter at.

    Args:
        text_encoder: frozen.
        levels: distribution of the noise level σ*, drawn for each example.
        context: latent frames that are given.
        dropout: probability that the text encoder is given the empty sentence.
    """

    def __init__(
        self, *, text_encoder: EncodesText, levels: AbstractSigmaDistribution, context: int, dropout: float
    ) -> None:
        check_context(context)
        self._text, self._levels, self._context = DroppedText(text_encoder, dropout), levels, context

    def __call__(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of the repaired latents.

        Raises:
            ValueError: if the adapter makes no forecast.
        """
        known = known_tokens(batch, self._context)
        clean, places = to_tokens(batch["latents"]), model.places(batch)
        text = self._text(batch.instructions, generator, training=model.training)
        conditioning = model.conditioning(batch, known)
        forecast = _forecast(conditioning.forecast).latents.float()
        noise = torch.randn(forecast.shape, generator=generator, device=forecast.device)
        levels = self._levels.sample(len(forecast), forecast.shape[1], generator)[:, None].expand(forecast.shape[:2])
        entered = interpolate(forecast, noise, levels)
        given = ConditionedSequence.of(clean[:, :known], places, text, conditioning)
        velocity = future_velocity(model.transformer, given, entered, levels).float()
        repaired = clean_from_velocity(entered, velocity, levels)
        return {"loss": (repaired - clean[:, known:]).square().mean()}


def _forecast(forecast: LatentForecast | None) -> LatentForecast:
    if forecast is None:
        raise ValueError("expected an adapter with a latent forecast (linear, mlp, latent), got one without")
    return forecast


def _centred(rows: Float[Tensor, "row channel"]) -> Float[Tensor, "row channel"]:
    return rows - rows.mean(dim=0)
