"""Objectives of an adapter that conditions the flow: nearness to the text encoder's states, and flow matching.

Context tokens are aligned with the text states first, which the transformer understands already; then flow matching
goes through the frozen transformer into the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adapters import AbstractAdapter
from adapters.types import Conditioning
from foresight.data.batch import FeatureBatch
from foresight.training.objectives.sentences import DroppedText, Sentences
from foresight.world.denoiser import ConditionedSequence, future_velocity
from ltx.flow.training import AbstractSigmaDistribution, noised
from ltx.losses.flow_matching import flow_matching_loss
from ltx.shapes import LatentShape, coordinates, to_tokens
from ltx.text import EncodesText, TextConditioning
from ltx.transformer import VideoTransformer


class AdaptedTransformer(nn.Module):
    """An adapter and the transformer that it conditions: what an optimizer over `adapter.*` trains.

    Args:
        adapter: trained; its low-rank updates, if any, are attached.
        transformer: frozen.
        recompute: run its blocks again in the backward pass instead of keeping their activations.
    """

    def __init__(self, *, adapter: AbstractAdapter, transformer: VideoTransformer, recompute: bool = False) -> None:
        super().__init__()
        transformer.gradient_checkpointing = recompute
        adapter.attach(transformer)
        self.adapter = adapter
        self.transformer = transformer
        self._said: dict[tuple[int, int], Conditioning] | None = None

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """While it lasts, the adapter runs once on a batch, however many objectives ask what it says."""
        self._said = {}
        try:
            yield
        finally:
            self._said = None

    def conditioning(self, batch: FeatureBatch, known: int) -> Conditioning:
        """Conditioning of a batch by the adapter, for all latent tokens but the first `known`."""
        key = id(batch), known
        if self._said is not None and key in self._said:
            return self._said[key]
        said: Conditioning = self.adapter(batch.features, self.places(batch)[:, :, known:])
        if self._said is not None:
            self._said[key] = said
        return said

    def places(self, batch: FeatureBatch) -> Float[Tensor, "batch axis=3 token"]:
        """Seconds, pixel rows and pixel columns of all latent tokens of the clips."""
        latents = batch["latents"]
        return coordinates(
            LatentShape.of(latents),
            frame_rate=batch.frame_rate,
            causal=self.transformer.config.causal_temporal_positioning,
            device=latents.device,
        ).expand(len(batch), -1, -1)


class Alignment:
    """Mean squared error between context tokens that replace the text and the text's own states.

    Token i is to be the state of the sentence's token i, and beyond its end that of the last one.

    Args:
        text_encoder: frozen; reads the instruction as it is, however it was worded for the VLM.
        context: latent frames that are given.
    """

    def __init__(self, *, text_encoder: EncodesText, context: int) -> None:
        check_context(context)
        self._sentences, self._context = Sentences(text_encoder), context

    def __call__(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """The error, and the share of clips whose tokens are nearest to their own sentence within the batch.

        Raises:
            ValueError: if the adapter's tokens do not replace the text.
        """
        context = model.conditioning(batch, known_tokens(batch, self._context)).context
        if context is None or context.placement != "replace":
            got = "none" if context is None else f"placement {context.placement!r}"
            raise ValueError(f"expected an adapter whose context tokens replace the text, got {got}")
        text = self._sentences(batch.instructions, context.tokens.device)
        wanted = padded(text, context.tokens.shape[1])
        tokens = context.tokens.float()
        loss = (tokens - wanted).square().mean()
        return {"loss": loss, "nearest": _nearest(tokens.detach(), wanted, batch.instructions)}


class ContextFlow:
    """Velocity matching on future tokens, conditioned on a clean context and on what the adapter says.

    Args:
        text_encoder: frozen; its states meet the adapter's tokens as the adapter's placement says.
        sigmas: distribution of noise levels.
        context: latent frames that are given.
        dropout: probability that the text encoder is given the empty sentence, so that the adapter alone knows the
            instruction; 0 always tells it.
    """

    def __init__(
        self, *, text_encoder: EncodesText, sigmas: AbstractSigmaDistribution, context: int, dropout: float = 0.0
    ) -> None:
        check_context(context)
        self._text = DroppedText(text_encoder, dropout)
        self._sigmas, self._context = sigmas, context

    def __call__(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared velocity error on future tokens.

        Raises:
            ValueError: if the adapter does not condition the transformer, or clips end with the context.
        """
        if not model.adapter.provides & {"context", "reference"}:
            raise ValueError("expected an adapter that conditions the transformer, got one that only forecasts latents")
        known = known_tokens(batch, self._context)
        clean, places = to_tokens(batch["latents"]), model.places(batch)
        text = self._text(batch.instructions, generator, training=model.training)
        conditioning = model.conditioning(batch, known)
        given = ConditionedSequence.of(clean[:, :known], places, text, conditioning)

        future = clean[:, known:]
        noise = torch.randn(future.shape, generator=generator, device=future.device)
        levels = self._sigmas.sample(len(future), future.shape[1], generator)
        sample = noised(future, noise, levels, torch.zeros(future.shape[:2], device=future.device))
        velocity = future_velocity(model.transformer, given, sample.tokens, sample.timesteps)
        return {"loss": flow_matching_loss(velocity.float(), sample.velocity, sample.mask)}


def padded(text: TextConditioning, length: int) -> Float[Tensor, "batch length caption"]:
    """The first `length` states of each sentence; a shorter sentence repeats its last one.

    Raises:
        ValueError: if a sentence has no token.
    """
    counts = text.mask.sum(1, keepdim=True)
    if int(counts.min()) < 1:
        raise ValueError("expected sentences of at least one token, got an empty one")
    index = torch.minimum(torch.arange(length, device=counts.device)[None], counts - 1)
    return torch.take_along_dim(text.embeddings, index[..., None], dim=1)


def known_tokens(batch: FeatureBatch, context: int) -> int:
    """Number of given tokens."""
    shape = LatentShape.of(batch["latents"])
    if shape.frames <= context:
        raise ValueError(f"expected more than {context} latent frames, got {shape.frames}")
    return context * shape.height * shape.width


def _nearest(tokens: Tensor, wanted: Tensor, instructions: tuple[str, ...]) -> Tensor:
    closest = torch.cdist(tokens.flatten(1), wanted.flatten(1)).argmin(1).tolist()
    hits = [instructions[found] == own for found, own in zip(closest, instructions, strict=True)]
    return torch.tensor(hits, dtype=torch.float32, device=tokens.device).mean()


def check_context(context: int) -> None:
    """Refuse a number of given latent frames below 1.

    Raises:
        ValueError: if it is.
    """
    if context < 1:
        raise ValueError(f"expected at least one given latent frame, got {context}")
