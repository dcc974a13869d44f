"""Flow matching of a clip's future given its beginning and an instruction: what trains the small transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from foresight.data.batch import CachedBatch
from foresight.data.wording import Wording
from foresight.training.objectives.sentences import Sentences
from ltx.flow.training import AbstractSigmaDistribution, noised
from ltx.losses.flow_matching import flow_matching_loss
from ltx.shapes import LatentShape, coordinates, to_tokens
from ltx.text import EncodesText, TextConditioning
from ltx.transformer import VideoTransformer
from ltx.transformer.groups import TimestepGroups


class TextFlow:
    """Velocity matching on future tokens, the context tokens being clean at time 0.

    Args:
        text_encoder: frozen; every wording is encoded once.
        wording: how instructions are varied; validation uses the first wording.
        sigmas: distribution of noise levels.
        context: latent frames that are given.
        dropout: probability that the instruction is replaced by the empty one, for guidance.
    """

    def __init__(
        self,
        *,
        text_encoder: EncodesText,
        wording: Wording,
        sigmas: AbstractSigmaDistribution,
        context: int,
        dropout: float,
    ) -> None:
        if context < 1 or not 0 <= dropout < 1:
            raise ValueError(f"expected context ≥ 1 and dropout in [0, 1), got {context} and {dropout}")
        self._sentences, self._wording = Sentences(text_encoder), wording
        self._sigmas, self._context, self._dropout = sigmas, context, dropout

    def __call__(self, model: VideoTransformer, batch: CachedBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared velocity error on future tokens."""
        latents = batch["latents"]
        shape = LatentShape.of(latents)
        if shape.frames <= self._context:
            raise ValueError(f"expected more than {self._context} latent frames, got {shape.frames}")
        clean = to_tokens(latents)
        given = torch.zeros(clean.shape[:2], device=clean.device)
        given[:, : self._context * shape.height * shape.width] = 1
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        sample = noised(clean, noise, self._sigmas.sample(len(clean), shape.tokens, generator), given)
        text = self._text(batch.instructions, model.training, generator)
        places = coordinates(
            shape,
            frame_rate=batch.frame_rate,
            causal=model.config.causal_temporal_positioning,
            device=clean.device,
        )
        velocity = model(
            sample.tokens,
            sample.timesteps,
            places[None],
            text.embeddings,
            text.mask,
            groups=TimestepGroups.of(given[:1].long()),
        )
        return {"loss": flow_matching_loss(velocity.float(), sample.velocity, sample.mask)}

    def _text(self, instructions: Sequence[str], training: bool, generator: torch.Generator) -> TextConditioning:
        """States of the instructions; in training worded at random and sometimes dropped."""
        chosen = list(instructions)
        if training:
            draws = torch.rand(2, len(chosen), generator=generator, device=generator.device).tolist()
            for row, (sentence, word, drop) in enumerate(zip(instructions, *draws, strict=True)):
                wordings = self._wording(sentence)
                chosen[row] = "" if drop < self._dropout else wordings[int(word * len(wordings))]
        return self._sentences(chosen, generator.device)
