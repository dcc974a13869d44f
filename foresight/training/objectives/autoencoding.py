"""The autoencoder's objective (arXiv 2501.00103 §2): one pass through encoder and decoder, judged by several terms.

The posterior is sampled, normalised, and mixed with noise of a level in [0, 0.2] that the decoder is told, so that the
decoder learns the last denoising step. The terms are in `foresight.training.objectives.vae_terms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from foresight.data.batch import ClipBatch
from foresight.training.objectives.vae import draw, follow, mirrored, noise, quality, windows
from ltx.vae import VideoVAE


@dataclass(frozen=True)
class Autoencoded:
    """A video and what the autoencoder made of it."""

    video: Float[Tensor, "batch rgb=3 frame height width"]
    """In [−1, 1]."""
    output: Float[Tensor, "batch rgb=3 frame height width"]
    mean: Float[Tensor, "batch channel latent_frame row column"]
    """Of the un-normalised posterior."""
    log_variance: Float[Tensor, "batch 1 latent_frame row column"]
    """One for all channels."""


class Term(Protocol):
    """One judgement of an `Autoencoded`: `loss`, and further metrics that are only logged."""

    def __call__(self, result: Autoencoded, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss and metrics; all noise is drawn from the generator."""
        ...


class Autoencoding(nn.Module):
    """Σ weight · loss of the terms, on windows of the batch's clips.

    While the encoder trains, the VAE's per-channel statistics follow its latents.

    Args:
        terms: by name; their metrics appear under `term/metric`, those of networks inside them train with the rest.
        weights: one for each term.
        lengths: clip lengths in frames, 8k+1; one is drawn per batch, of those that fit into its clips.
        level: largest noise level; each sample's is drawn evenly below it. 0 for a decoder without timestep.
        momentum: of the running statistics, in (0, 1].

    Raises:
        ValueError: if the names of terms and weights differ, there are none, or the level is outside [0, 1).
    """

    started: Tensor

    def __init__(
        self,
        *,
        terms: Mapping[str, Term],
        weights: Mapping[str, float],
        lengths: Sequence[int],
        level: float,
        momentum: float,
    ) -> None:
        super().__init__()
        if not terms or set(terms) != set(weights):
            raise ValueError(
                f"expected a weight for each term, got terms {sorted(terms)} and weights {sorted(weights)}"
            )
        if not 0 <= level < 1 or not lengths:
            raise ValueError(f"expected a level in [0, 1) and at least one length, got {level} and {list(lengths)}")
        self.terms = {name: terms[name] for name in sorted(terms)}
        self.weights = dict(weights)
        self.lengths, self.level, self.momentum = tuple(lengths), level, momentum
        # Registered too, so that networks inside a term are trained, moved and saved with the objective.
        self.networks = nn.ModuleDict({n: term for n, term in self.terms.items() if isinstance(term, nn.Module)})
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def forward(self, model: VideoVAE, batch: ClipBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Loss of a training batch; reconstruction quality of a validation batch.

        Raises:
            ValueError: if noise is asked for and the decoder cannot be told of it.
        """
        if not model.training:
            return quality(model, batch.video)
        fitting = [length for length in self.lengths if length <= batch.video.shape[2]] or self.lengths
        length = fitting[draw(len(fitting), generator)]
        video = mirrored(windows(batch.video, length, generator), generator)
        result = self.autoencode(model, video, generator)
        found = {name: term(result, generator) for name, term in self.terms.items()}
        loss = torch.stack([self.weights[name] * values["loss"] for name, values in found.items()]).sum()
        return {
            "loss": loss,
            **{f"{name}/{key}": value for name, values in found.items() for key, value in values.items()},
        }

    def autoencode(
        self, model: VideoVAE, video: Float[Tensor, "batch rgb=3 frame height width"], generator: torch.Generator
    ) -> Autoencoded:
        """Encode, sample, normalise, add noise of a level drawn for each sample, and decode at that level."""
        if self.level and not model.config.timestep_conditioning:
            raise ValueError(f"expected level 0 for a decoder without timestep conditioning, got {self.level}")
        moments = model.moments(video)
        mean, log_variance = moments.mean.float(), moments.log_variance.float()
        latents = mean + torch.exp(0.5 * log_variance) * noise(mean, generator)
        if any(parameter.requires_grad for parameter in model.encoder.parameters()):
            follow(model, mean.detach(), self.momentum if self.started else 1.0)
            self.started.fill_(True)
        normalised = model.per_channel_statistics.normalize(latents)
        levels = self.level * torch.rand(len(video), generator=generator, device=generator.device)
        noisy = torch.lerp(normalised, noise(normalised, generator), levels.view(-1, 1, 1, 1, 1))
        output = model.decoder(model.per_channel_statistics.denormalize(noisy), levels).float()
        return Autoencoded(video, output, mean, log_variance)
