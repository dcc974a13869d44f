"""Records at both ends of an adapter: VLM features in, conditioning for the video model out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Placement = Literal["add", "append", "replace"]


@dataclass(frozen=True)
class VLMFeatures:
    """Hidden states of a vision-language model with the place of every vision token in the video.

    Args:
        tokens: hidden states of the chosen layers, one row per token of the prompt.
        mask: True for tokens of the prompt, False for padding.
        vision: True for vision tokens (a subset of `mask`).
        coordinates: seconds, pixel rows and pixel columns of each token's centre, in the pixels of the clip that the
            video model is given; zeros for text tokens.
        patches: states of the vision tower before its 2×2 merger.
        patch_coordinates: centre of each patch, in the same space.

    Raises:
        ValueError: if the records do not belong together.
    """

    tokens: Float[Tensor, "batch layer length dim"]
    mask: Bool[Tensor, "batch length"]
    vision: Bool[Tensor, "batch length"]
    coordinates: Float[Tensor, "batch axis=3 length"]
    patches: Float[Tensor, "batch cell vision_dim"]
    patch_coordinates: Float[Tensor, "batch axis=3 cell"]

    def __post_init__(self) -> None:
        batch, _, length, _ = self.tokens.shape
        expected = {
            "mask": (batch, length),
            "vision": (batch, length),
            "coordinates": (batch, 3, length),
            "patch_coordinates": (batch, 3, self.patches.shape[1]),
        }
        for name, shape in expected.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(
                    f"expected VLM {name} of shape {shape} beside tokens of shape {tuple(self.tokens.shape)}, "
                    f"got {tuple(getattr(self, name).shape)}"
                )
        if self.patches.shape[0] != batch:
            raise ValueError(f"expected patches for {batch} clips, got {self.patches.shape[0]}")

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> VLMFeatures:
        """The same features on another device; `dtype` concerns the states, coordinates stay float32."""
        return replace(
            self,
            **{f.name: getattr(self, f.name).to(device) for f in fields(self)}
            | {name: getattr(self, name).to(device, dtype) for name in ("tokens", "patches")},
        )

    def select(self, rows: Tensor | slice) -> VLMFeatures:
        """Features of the given clips, by index, mask or slice."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def repeat(self, times: int) -> VLMFeatures:
        """Each clip's features `times` times in a row: what a batch of candidates needs."""
        return replace(self, **{f.name: getattr(self, f.name).repeat_interleave(times, dim=0) for f in fields(self)})

    def shift(self, seconds: float) -> VLMFeatures:
        """The same features on a clock that starts `−seconds` later; text tokens keep their zeros."""
        moved = self.coordinates.clone()
        moved[:, 0] = torch.where(self.vision, moved[:, 0] + seconds, moved[:, 0])
        patches = self.patch_coordinates.clone()
        patches[:, 0] += seconds
        return replace(self, coordinates=moved, patch_coordinates=patches)


@dataclass(frozen=True)
class LatentForecast:
    """A guess ẑ of the normalised future latents, for the decode and refine routes.

    Args:
        latents: one row per target token.
        log_variance: log of the expected squared error per value, or None from an adapter that claims none.
    """

    latents: Float[Tensor, "batch token channel"]
    log_variance: Float[Tensor, "batch token channel"] | None


@dataclass(frozen=True)
class ContextTokens:
    """Tokens for the transformer's cross-attention, as wide as its caption projection reads.

    Args:
        tokens: the tokens.
        mask: True for tokens to attend to.
        placement: "add" sums token i onto the text's token i (zero tokens then leave the video model exactly as it
            was), "append" puts the tokens after the text's, "replace" drops the text.
    """

    tokens: Float[Tensor, "batch length caption"]
    mask: Bool[Tensor, "batch length"]
    placement: Placement

    def join(
        self, text: Float[Tensor, "batch words caption"], text_mask: Bool[Tensor, "batch words"]
    ) -> tuple[Float[Tensor, "batch joined caption"], Bool[Tensor, "batch joined"]]:
        """The context and mask that the transformer is given, from these tokens and the text encoder's.

        Raises:
            ValueError: if the widths differ.
        """
        if text.shape[-1] != self.tokens.shape[-1]:
            raise ValueError(
                f"expected context tokens as wide as the text's ({text.shape[-1]}), got {self.tokens.shape[-1]}: "
                "the adapter was made for another text encoder"
            )
        tokens = self.tokens.to(text.dtype)
        if self.placement == "replace":
            return tokens, self.mask
        if self.placement == "append":
            return torch.cat([text, tokens], dim=1), torch.cat([text_mask, self.mask], dim=1)
        count = min(text.shape[1], tokens.shape[1])
        added = torch.where(self.mask[:, :count, None], tokens[:, :count], 0)
        return torch.cat([text[:, :count] + added, text[:, count:]], dim=1), text_mask


@dataclass(frozen=True)
class ReferenceTokens:
    """Extra tokens of the video sequence, put before it, with their own place and noise level (IC-LoRA).

    Args:
        tokens: latents-like tokens.
        coordinates: seconds, pixel rows and pixel columns of each token's start.
        timestep: noise level σ in [0, 1] that the transformer is given for them; 0 is clean.
    """

    tokens: Float[Tensor, "batch reference channel"]
    coordinates: Float[Tensor, "batch axis=3 reference"]
    timestep: float


@dataclass(frozen=True)
class ReferenceChanges:
    """Reference tokens, as changes of the given latents that they are copies of.

    A frozen video model has learnt to read clean latents in their places. Shown some of its context twice, which is
    what changes of zero mean, it predicts almost as before; tokens that mean nothing to it would spoil its prediction.

    Args:
        changes: what is added to each copy.
        coordinates: seconds, pixel rows and pixel columns; the given latent nearest to them is copied.
        timestep: noise level σ in [0, 1] that the transformer is given for them; 0 is clean.
        time_offset: seconds that they are placed after what they are copies of. At 0 nothing but their changes tells
            them from the given latents, and attention cannot learn to treat them in another way.
    """

    changes: Float[Tensor, "batch reference channel"]
    coordinates: Float[Tensor, "batch axis=3 reference"]
    timestep: float
    time_offset: float

    def join(
        self,
        latents: Float[Tensor, "batch given channel"],
        coordinates: Float[Tensor, "batch axis=3 given"],
        noise_level: float,
    ) -> ReferenceTokens:
        """The changed copies, `time_offset` after what they copy and in the same place; no cleaner than that.

        Args:
            latents: tokens of the given latents.
            coordinates: seconds, pixel rows and pixel columns of their starts.
            noise_level: of the given latents.
        """
        # A second counts as a pixel: the nearest place of the picture decides, then the nearest moment.
        distance = torch.cdist(self.coordinates.transpose(1, 2), coordinates.transpose(1, 2))
        nearest = distance.argmin(dim=2)
        copies = torch.take_along_dim(latents, nearest[:, :, None], dim=1)
        places = torch.take_along_dim(coordinates, nearest[:, None], dim=2)
        places = places + places.new_tensor([self.time_offset, 0.0, 0.0])[:, None]
        return ReferenceTokens(copies + self.changes.to(latents.dtype), places, max(self.timestep, noise_level))


@dataclass(frozen=True)
class Conditioning:
    """All that an adapter returns; what it does not declare is None."""

    forecast: LatentForecast | None = None
    context: ContextTokens | None = None
    reference: ReferenceChanges | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of what there is, out of "forecast", "context" and "reference"."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) is not None)

    def repeat(self, times: int) -> Conditioning:
        """The conditioning of each clip `times` times in a row: one per candidate."""
        forecast, context, reference = self.forecast, self.context, self.reference
        if forecast is not None:
            variance = forecast.log_variance
            forecast = LatentForecast(
                forecast.latents.repeat_interleave(times, 0),
                None if variance is None else variance.repeat_interleave(times, 0),
            )
        if context is not None:
            context = replace(
                context,
                tokens=context.tokens.repeat_interleave(times, 0),
                mask=context.mask.repeat_interleave(times, 0),
            )
        if reference is not None:
            reference = replace(
                reference,
                changes=reference.changes.repeat_interleave(times, 0),
                coordinates=reference.coordinates.repeat_interleave(times, 0),
            )
        return Conditioning(forecast, context, reference)
