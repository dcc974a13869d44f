"""Flow matching of clips given some of their first frames and an instruction: what trains the transformer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from foresight.data.batch import CachedBatch, MixedBatch
from foresight.data.wording import Wording
from foresight.training.objectives.sentences import Sentences
from ltx.flow.training import AbstractSigmaDistribution, noised
from ltx.losses.flow_matching import flow_matching_loss
from ltx.losses.token_drop import LARGEST_DROP
from ltx.packing import GivenFrames, pack
from ltx.text import EncodesText, TextConditioning
from ltx.transformer import VideoTransformer
from ltx.transformer.groups import TimestepGroups


class TextFlow:
    """Velocity matching on tokens that are not given; given ones are clean at time 0.

    Takes batches of one size, and mixed ones of images and videos of several sizes, whose random tokens are left out
    until all sequences are equally long.

    Args:
        text_encoder: frozen; every wording is encoded once.
        wording: how instructions are varied; validation uses the first wording.
        sigmas: distribution of noise levels, told how many tokens are to be predicted.
        given: how many first frames are given in training; in validation it is always `given.clip`, or all but one of
            a shorter clip.
        drop: share of the tokens that training leaves out of a batch of one size, in [0, 0.2]; validation and mixed
            batches, whose length is their own, leave it alone.
        dropout: probability that the instruction is replaced by the empty one, for guidance.

    Raises:
        ValueError: if a share is out of its range.
    """

    def __init__(
        self,
        *,
        text_encoder: EncodesText,
        wording: Wording,
        sigmas: AbstractSigmaDistribution,
        given: GivenFrames,
        drop: float,
        dropout: float,
    ) -> None:
        if not 0 <= drop <= LARGEST_DROP or not 0 <= dropout < 1:
            raise ValueError(f"expected drop in [0, {LARGEST_DROP}] and dropout in [0, 1), got {drop} and {dropout}")
        self._sentences, self._wording = Sentences(text_encoder), wording
        self._sigmas, self._given, self._drop, self._dropout = sigmas, given, drop, dropout

    def __call__(
        self, model: VideoTransformer, batch: CachedBatch | MixedBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Mean squared velocity error on the tokens that are not given.

        Raises:
            ValueError: if a batch cannot be cut to its length.
        """
        clips, rates, keep = self._clips(batch, model.training)
        frames = [clip.shape[1] for clip in clips]
        given = [min(self._given.clip, count - 1) for count in frames]
        if model.training:
            given = self._given.draw(frames, generator)
        packed = pack(
            clips,
            given=given,
            keep=keep,
            frame_rates=rates,
            causal=model.config.causal_temporal_positioning,
            generator=generator,
        )
        levels = self._levels((packed.given == 0).sum(dim=1).tolist(), generator)
        noise = torch.randn(packed.tokens.shape, generator=generator, device=packed.tokens.device)
        sample = noised(packed.tokens, noise, levels, packed.given)
        text = self._text(batch.instructions, model.training, generator)
        velocity = model(
            sample.tokens,
            sample.timesteps,
            packed.coordinates,
            text.embeddings,
            text.mask,
            groups=TimestepGroups.of(packed.given.long()),
        )
        return {"loss": flow_matching_loss(velocity.float(), sample.velocity, sample.mask)}

    def _clips(self, batch: CachedBatch | MixedBatch, training: bool) -> tuple[Sequence[Tensor], Sequence[float], int]:
        """Latents and frame rate of each clip, and the length their sequences are cut to."""
        if isinstance(batch, MixedBatch):
            return batch.latents, batch.frame_rates, batch.tokens
        latents = batch["latents"]
        tokens = latents[0, 0].numel()
        keep = round(tokens * (1 - self._drop)) if training else tokens
        return latents.unbind(0), [batch.frame_rate] * len(latents), keep

    def _levels(self, counts: Sequence[int], generator: torch.Generator) -> Tensor:
        """A noise level for each clip with so many tokens to predict, on which the distribution depends."""
        levels = torch.empty(len(counts), device=generator.device)
        for count in sorted(set(counts)):
            rows = [row for row, own in enumerate(counts) if own == count]
            levels[rows] = self._sigmas.sample(len(rows), count, generator)
        return levels

    def _text(self, instructions: Sequence[str], training: bool, generator: torch.Generator) -> TextConditioning:
        """States of the instructions; in training worded at random and sometimes dropped."""
        chosen = list(instructions)
        if training:
            draws = torch.rand(2, len(chosen), generator=generator, device=generator.device).tolist()
            for row, (sentence, word, drop) in enumerate(zip(instructions, *draws, strict=True)):
                wordings = self._wording(sentence)
                chosen[row] = "" if drop < self._dropout else wordings[int(word * len(wordings))]
        return self._sentences(chosen, generator.device)
