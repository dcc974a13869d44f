"""Putting conditioning latents into the token sequence.

What starts at frame 0 is blended into the video's own tokens. What starts later has latents that were encoded as the
beginning of a clip (the first one covers a single frame), which no latent of the video's grid does; these are appended
as extra tokens with their true coordinates, in front of the video's, and removed after sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.conditioning.item import LatentItem
from ltx.flow.noise import Generators, draw_noise
from ltx.shapes import TIME, LatentShape, coordinates, to_tokens

# The latents of a clip that its own beginning shapes: appended, while later ones fit the video's grid.
PREFIX = 2


@dataclass(frozen=True)
class InContextTokens:
    """Extra tokens that the video's tokens attend to: a reference video, or what an adapter makes.

    Attributes:
        tokens: normalised latents, or tokens in their place.
        coordinates: seconds, pixel rows and pixel columns of each token.
        strength: 1 shows them as clean (time 0) and keeps them; below, they are repainted from time 1 − strength.
    """

    tokens: Float[Tensor, "batch token channel"]
    coordinates: Float[Tensor, "#batch axis=3 token"]
    strength: float


@dataclass(frozen=True)
class Grid:
    """The video's own tokens: latent grid, frames per second, and whether positions are causal (0.9.5 and later)."""

    shape: LatentShape
    frame_rate: float
    causal: bool

    def coordinates(self, device: torch.device, *, shape: LatentShape, start: int) -> Float[Tensor, "axis=3 token"]:
        """Coordinates of a grid that begins at frame `start` of the video."""
        return coordinates(shape, frame_rate=self.frame_rate, causal=self.causal, start=start, device=device)


@dataclass(frozen=True)
class ConditionedTokens:
    """The start of a sampling run: [in-context tokens, appended tokens, the video's tokens].

    Attributes:
        tokens: initial values.
        strength: conditioning strength of each token, 0 for free ones.
        coordinates: seconds, pixel rows and pixel columns of each token.
        extra: how many tokens precede the video's.
    """

    tokens: Float[Tensor, "batch token channel"]
    strength: Float[Tensor, "batch token"]
    coordinates: Float[Tensor, "batch axis=3 token"]
    extra: int

    def video_tokens(self, tokens: Float[Tensor, "batch token channel"]) -> Float[Tensor, "batch video channel"]:
        """The video's own among tokens in this layout."""
        return tokens[:, self.extra :]


def reference_video(latents: Float[Tensor, "batch channel frame height width"], grid: Grid) -> InContextTokens:
    """A reference video for an IC-LoRA: clean tokens at the same positions as the video's own first ones.

    Raises:
        ValueError: if its latents are more than the video's, or of another height or width.
    """
    shape, whole = LatentShape.of(latents), grid.shape
    if (shape.height, shape.width) != (whole.height, whole.width) or shape.frames > whole.frames:
        raise ValueError(f"expected a reference of the video's latent size {whole} or shorter, got {shape}")
    positions = grid.coordinates(latents.device, shape=shape, start=0)
    return InContextTokens(to_tokens(latents), positions.unsqueeze(0), 1.0)


def place(
    latents: Float[Tensor, "batch channel frame height width"],
    items: Sequence[LatentItem],
    *,
    grid: Grid,
    generator: Generators,
    in_context: Sequence[InContextTokens] = (),
) -> ConditionedTokens:
    """Blend and append conditioning items.

    Args:
        latents: where sampling would start without conditioning: noise, or a noised video.
        items: what to place; a later item overwrites an earlier one.
        grid: the video's grid.
        generator: source of the noise that appended items are blended with.
        in_context: tokens to put in front of everything.

    Raises:
        ValueError: if an item does not fit into the video.
    """
    latents = latents.clone()
    strength = latents.new_zeros(latents.shape[0], *latents.shape[2:])
    extras = [_checked(each, latents) for each in in_context]
    for item in items:
        _check_fit(item, grid.shape)
        appended = item.latents.shape[2]
        if item.start == 0:
            appended = 0
        elif appended > 1:
            appended = PREFIX
        first = item.start // TIME + appended
        _blend(latents, strength, item.latents[:, :, appended:], first, item.strength)
        if appended:
            extras.append(_append(item, appended, latents, grid, generator))
    positions = grid.coordinates(latents.device, shape=grid.shape, start=0).unsqueeze(0)
    parts = [*extras, InContextTokens(to_tokens(latents), positions, 0.0)]
    strengths = [each.tokens.new_full(each.tokens.shape[:2], each.strength) for each in extras]
    return ConditionedTokens(
        tokens=torch.cat([each.tokens for each in parts], dim=1),
        strength=torch.cat([*strengths, strength.flatten(1)], dim=1),
        coordinates=torch.cat([each.coordinates.expand(latents.shape[0], -1, -1) for each in parts], dim=2),
        extra=sum(each.tokens.shape[1] for each in extras),
    )


def _blend(latents: Tensor, strength: Tensor, given: Tensor, first: int, weight: float) -> None:
    """Write `given` in place at latent frame `first`."""
    where = slice(first, first + given.shape[2])
    latents[:, :, where] = torch.lerp(
        latents[:, :, where], given.to(latents).expand(latents.shape[0], *given.shape[1:]), weight
    )
    strength[:, where] = weight


def _append(item: LatentItem, count: int, like: Tensor, grid: Grid, generator: Generators) -> InContextTokens:
    """The item's first `count` latents as tokens at their own place in time."""
    given = item.latents[:, :, :count].to(like)
    tokens = to_tokens(given).expand(like.shape[0], -1, -1)
    blended = torch.lerp(draw_noise(tokens, generator), tokens, item.strength)
    positions = grid.coordinates(like.device, shape=LatentShape.of(given), start=item.start)
    return InContextTokens(blended, positions.unsqueeze(0), item.strength)


def _checked(extra: InContextTokens, like: Tensor) -> InContextTokens:
    if extra.tokens.shape[0] not in (1, like.shape[0]) or extra.tokens.shape[2] != like.shape[1]:
        raise ValueError(
            f"expected in-context tokens ({like.shape[0]}, token, {like.shape[1]}), got {tuple(extra.tokens.shape)}"
        )
    return InContextTokens(
        extra.tokens.to(like).expand(like.shape[0], -1, -1), extra.coordinates.to(like.device), extra.strength
    )


def _check_fit(item: LatentItem, shape: LatentShape) -> None:
    given = LatentShape.of(item.latents)
    if (given.height, given.width) != (shape.height, shape.width):
        raise ValueError(
            f"expected conditioning latents of {shape.height}×{shape.width}, got {given.height}×{given.width}"
        )
    if item.start + given.video.frames > shape.video.frames:
        raise ValueError(
            f"expected {given.video.frames} frames from frame {item.start} to end within the "
            f"{shape.video.frames} frames of the video; trim the item"
        )
