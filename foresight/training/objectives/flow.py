"""Flow matching of clips given some of their frames, a sentence and perhaps a reference video: what trains the
transformer, and a LoRA of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.batch import FeatureBatch, MultiSizeBatch
from foresight.data.wording import Wording
from foresight.training.objectives.sentences import Sentences
from ltx.conditioning import Grid, reference_video
from ltx.flow.training import AbstractSigmaDistribution, noised
from ltx.losses.flow_matching import flow_matching_loss
from ltx.losses.token_drop import LARGEST_DROP
from ltx.packing import GivenFrames, PackedClips, pack
from ltx.shapes import LatentShape, from_tokens
from ltx.text import EncodesText, TextConditioning
from ltx.transformer import VideoTransformer
from ltx.transformer.groups import TimestepGroups


class TextFlow:
    """Velocity matching on tokens that are not given; given ones are clean at time 0.

    Takes batches of one size, and mixed ones of images and videos of several sizes, whose random tokens are left out
    until all sequences are equally long. Text states that come with a batch (`text`, `text_mask`) are taken as they
    are; without them, instructions are encoded.

    Args:
        text_encoder: frozen; every wording is encoded once. None where batches bring their states.
        wording: how instructions are varied; validation uses the first wording. None where batches bring their states.
        sigmas: distribution of noise levels, told how many tokens are to be predicted.
        given: which frames are given in training; in validation it is always what is given most often.
        drop: share of the tokens that training leaves out of a batch of one size, in [0, 0.2]; validation and mixed
            batches, whose length is their own, leave it alone.
        dropout: probability that the instruction is replaced by the empty one, for guidance.
        reference: whether latents of a reference video (`reference`, of the clips' size) precede the clip's tokens,
            clean at time 0 and at the clip's own places, as an IC-LoRA reads them.

    Raises:
        ValueError: if a share is out of its range, or instructions are to be dropped without an encoder.
    """

    def __init__(
        self,
        *,
        text_encoder: EncodesText | None,
        wording: Wording | None,
        sigmas: AbstractSigmaDistribution,
        given: GivenFrames,
        drop: float,
        dropout: float,
        reference: bool = False,
    ) -> None:
        if not 0 <= drop <= LARGEST_DROP or not 0 <= dropout < 1:
            raise ValueError(f"expected drop in [0, {LARGEST_DROP}] and dropout in [0, 1), got {drop} and {dropout}")
        if text_encoder is None and dropout:
            raise ValueError(
                f"expected dropout 0 without a text encoder, which the empty sentence needs, got {dropout}"
            )
        self._sentences = None if text_encoder is None else Sentences(text_encoder)
        self._wording, self._reference = wording, reference
        self._sigmas, self._given, self._drop, self._dropout = sigmas, given, drop, dropout

    def __call__(
        self, model: VideoTransformer, batch: FeatureBatch | MultiSizeBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Mean squared velocity error on the tokens that are not given.

        Raises:
            ValueError: if a batch cannot be cut to its length, or lacks text states or references that are needed.
        """
        clips, rates, keep = self._clips(batch, model.training)
        frames = [clip.shape[1] for clip in clips]
        given = self._given.draw(frames, generator) if model.training else [self._given.usual(one) for one in frames]
        causal = model.config.causal_temporal_positioning
        packed = pack(clips, given=given, keep=keep, frame_rates=rates, causal=causal, generator=generator)
        levels = self._levels((packed.given == 0).sum(dim=1).tolist(), generator)
        noise = torch.randn(packed.tokens.shape, generator=generator, device=packed.tokens.device)
        sample = noised(packed.tokens, noise, levels, packed.given)
        text = self._text(batch, model.training, generator)
        velocity = self._velocity(model, batch, replace(packed, tokens=sample.tokens), levels, text)
        return {"loss": flow_matching_loss(velocity, sample.velocity, sample.mask)}

    @torch.no_grad()
    def continued(
        self, model: VideoTransformer, batch: FeatureBatch, generator: torch.Generator, *, steps: int
    ) -> Float[Tensor, "batch channel latent_frame row column"]:
        """Latents of the clips as the model goes on from what is given most often, by Euler steps from pure noise.

        Args:
            model: as it is trained; run in evaluation.
            batch: clips of one size.
            generator: of the noise.
            steps: equal ones from noise level 1 to 0.
        """
        shape = LatentShape.of(batch["latents"])
        packed = pack(
            batch["latents"].unbind(0),
            given=[self._given.usual(shape.frames)] * len(batch),
            keep=shape.tokens,
            frame_rates=[batch.frame_rate] * len(batch),
            causal=model.config.causal_temporal_positioning,
            generator=generator,
        )
        text = self._text(batch, False, generator)
        unknown = 1 - packed.given[..., None]
        noise = torch.randn(packed.tokens.shape, generator=generator, device=packed.tokens.device)
        tokens = torch.lerp(packed.tokens, noise, unknown)
        levels = torch.linspace(1, 0, steps + 1, device=tokens.device)
        for now, then in pairwise(levels):
            velocity = self._velocity(model, batch, replace(packed, tokens=tokens), now.expand(len(batch)), text)
            tokens = tokens + (then - now) * velocity * unknown
        return from_tokens(tokens, shape)

    def _velocity(
        self,
        model: VideoTransformer,
        batch: FeatureBatch | MultiSizeBatch,
        packed: PackedClips,
        levels: Float[Tensor, " batch"],
        text: TextConditioning,
    ) -> Float[Tensor, "batch token channel"]:
        """Velocity of noisy tokens of the clips, float32; given frames and a reference are at time 0."""
        tokens, places, known = packed.tokens, packed.coordinates, packed.given
        if self._reference:
            extra, where = self._references(batch, causal=model.config.causal_temporal_positioning)
            tokens, places = torch.cat([extra, tokens], dim=1), torch.cat([where, places], dim=2)
            known = torch.cat([known.new_ones(extra.shape[:2]), known], dim=1)
        timesteps = levels[:, None] * (1 - known)
        # A frozen transformer may be held in half precision, which its layers want to be given.
        dtype = next((weight.dtype for weight in model.parameters()), torch.float32)
        velocity: Tensor = model(
            tokens.to(dtype),
            timesteps,
            places,
            text.embeddings.to(dtype),
            text.mask,
            groups=TimestepGroups.of(known.long()),
        )
        return velocity[:, -packed.tokens.shape[1] :].float()

    def _clips(
        self, batch: FeatureBatch | MultiSizeBatch, training: bool
    ) -> tuple[Sequence[Tensor], Sequence[float], int]:
        """Latents and frame rate of each clip, and the length their sequences are cut to."""
        if isinstance(batch, MultiSizeBatch):
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

    def _references(self, batch: FeatureBatch | MultiSizeBatch, *, causal: bool) -> tuple[Tensor, Tensor]:
        """Tokens of the reference videos and their places."""
        if isinstance(batch, MultiSizeBatch):
            raise ValueError("expected clips of one size with their reference videos, got clips of several sizes")
        grid = Grid(LatentShape.of(batch["latents"]), batch.frame_rate, causal)
        shown = reference_video(batch["reference"], grid)
        return shown.tokens, shown.coordinates.expand(len(batch), -1, -1)

    def _text(
        self, batch: FeatureBatch | MultiSizeBatch, training: bool, generator: torch.Generator
    ) -> TextConditioning:
        """The batch's text states, or those of its instructions; in training worded at random and sometimes dropped."""
        if isinstance(batch, FeatureBatch) and "text" in batch.tensors:
            if self._dropout:
                raise ValueError(f"expected dropout 0 for data with text states of its own, got {self._dropout}")
            return TextConditioning(batch["text"], batch["text_mask"].bool())
        if self._sentences is None:
            raise ValueError("expected data with text states, or a text encoder; got neither")
        chosen = list(batch.instructions)
        if training:
            draws = torch.rand(2, len(chosen), generator=generator, device=generator.device).tolist()
            for row, (sentence, word, drop) in enumerate(zip(batch.instructions, *draws, strict=True)):
                wordings = [sentence] if self._wording is None else self._wording(sentence)
                chosen[row] = "" if drop < self._dropout else wordings[int(word * len(wordings))]
        return self._sentences(chosen, generator.device)
