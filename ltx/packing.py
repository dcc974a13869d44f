"""Clips of several sizes as one batch of token sequences of one length, every token at its own place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.losses.token_drop import drop_tokens
from ltx.shapes import LatentShape, coordinates, to_tokens


@dataclass(frozen=True)
class PackedClips:
    """A batch for the transformer.

    Attributes:
        tokens: clean normalised latents.
        coordinates: seconds, pixel rows and pixel columns of each token.
        given: 1 for tokens of given frames, 0 for those to be predicted.
    """

    tokens: Float[Tensor, "batch token channel"]
    coordinates: Float[Tensor, "batch axis=3 token"]
    given: Float[Tensor, "batch token"]


def pack(
    clips: Sequence[Float[Tensor, "channel _frame _height _width"]],
    *,
    given: Sequence[range],
    keep: int,
    frame_rates: Sequence[float],
    causal: bool,
    generator: torch.Generator,
) -> PackedClips:
    """Cut clips to sequences of one length by leaving out random tokens (arXiv 2501.00103).

    Tokens of given frames always stay, since at generation they are all there; of the others a uniform random choice
    stays, in order. Coordinates are those of the whole clip.

    Args:
        clips: latents of each clip; images are clips of one latent frame.
        given: which of each clip's latent frames are given: `range(2)` the first two.
        keep: length of the sequences, at most that of the shortest clip.
        frame_rates: frames per second of each clip.
        causal: whether frame positions are causal (0.9.5 and later).
        generator: decides what is left out; on the device of the clips.

    Raises:
        ValueError: if the lists differ in length, a clip is given whole, or its tokens are fewer than `keep` or cannot
            be cut to it.
    """
    if not len(clips) == len(given) == len(frame_rates) or not clips:
        raise ValueError(
            f"expected given frames and a frame rate for each clip, got {len(clips)} clips, {len(given)} and "
            f"{len(frame_rates)}"
        )
    rows = [
        _row(clip, frames, keep, rate, causal, generator)
        for clip, frames, rate in zip(clips, given, frame_rates, strict=True)
    ]
    return PackedClips(
        torch.cat([row.tokens for row in rows]),
        torch.cat([row.coordinates for row in rows]),
        torch.cat([row.given for row in rows]),
    )


def _row(
    clip: Tensor, given: range, keep: int, frame_rate: float, causal: bool, generator: torch.Generator
) -> PackedClips:
    shape = LatentShape.of(clip[None])
    if len(given) >= shape.frames or not set(given) <= set(range(shape.frames)):
        raise ValueError(f"expected fewer given frames than the {shape.frames} latent frames of a clip, got {given}")
    known = torch.zeros(1, shape.tokens, device=clip.device)
    known.view(shape.frames, -1)[list(given)] = 1
    places = coordinates(shape, frame_rate=frame_rate, causal=causal, device=clip.device)[None]
    tokens = to_tokens(clip[None])
    if keep == shape.tokens:
        return PackedClips(tokens, places, known)
    choice = drop_tokens(known == 0, keep=keep, generator=generator)
    return PackedClips(choice.sequence(tokens), choice.coordinates(places), choice.per_token(known))


@dataclass(frozen=True)
class GivenFrames:
    """Draw the context of each clip: which of its latent frames are given.

    Attributes:
        clip: latent frames of a given beginning or end, at least 1.
        clip_share: probability that so many first ones are given.
        image_share: probability that only the first one is, which holds a single picture.
        suffix_share: probability that so many last ones are given.

    Raises:
        ValueError: for a clip without frames, or shares that are no probabilities.
    """

    clip: int
    clip_share: float
    image_share: float
    suffix_share: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.clip_share, self.image_share, self.suffix_share)
        if self.clip < 1 or not min(shares) >= 0 or not sum(shares) <= 1 + 1e-9:
            raise ValueError(
                f"expected at least one frame and shares that add up to at most 1, got clip {self.clip}, "
                f"clip_share {self.clip_share}, image_share {self.image_share} and suffix_share {self.suffix_share}"
            )

    def draw(self, frames: Sequence[int], generator: torch.Generator) -> list[range]:
        """Given frames of clips of so many latent frames; the rest of the shares gives none.

        At least one frame is left to predict: a clip too short for what was drawn is given one frame, and an image
        nothing.
        """
        draws = torch.rand(len(frames), generator=generator, device=generator.device)
        return [self._fitting(draw, count) for draw, count in zip(draws.tolist(), frames, strict=True)]

    def usual(self, frames: int) -> range:
        """The most frequent context of a clip of so many latent frames; all but one where that is the whole clip."""
        nothing = 1 - self.clip_share - self.image_share - self.suffix_share
        most = max(self.clip_share, self.image_share, self.suffix_share, nothing)
        count = min(self.clip, frames - 1)
        if most == self.clip_share:
            return range(count)
        if most == self.image_share:
            return range(min(1, frames - 1))
        return range(frames - count, frames) if most == self.suffix_share else range(0)

    def _fitting(self, draw: float, frames: int) -> range:
        count = self.clip if frames > self.clip else min(1, frames - 1)
        if draw < self.clip_share:
            return range(count)
        if draw < self.clip_share + self.image_share:
            return range(min(1, frames - 1))
        return (
            range(frames - count, frames) if draw < self.clip_share + self.image_share + self.suffix_share else range(0)
        )
