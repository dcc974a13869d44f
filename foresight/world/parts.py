"""The parts of a world model as it needs them, and the refusal of those that do not fit each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from adapters import AbstractAdapter, Pairing, VLMFeatures
from foresight.world.sampling_config import SamplingPlan
from ltx.text import TextEncoder
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE


class EncodesFeatures(Protocol):
    """A vision-language model as a world model needs it; `foresight.QwenEncoder` is one."""

    hidden_size: int
    vision_size: int
    layers: tuple[int, ...]

    def encode(
        self, frames: Float[Tensor, "batch rgb=3 frame height width"], instructions: list[str], *, frame_rate: float
    ) -> VLMFeatures:
        """Features of clips in [−1, 1] and their instructions, coordinates counted from the first frame."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model into a folder."""


def check_sizes(vae: VideoVAE, transformer: VideoTransformer, text_encoder: TextEncoder | None) -> None:
    """Refuse parts that do not fit each other.

    Raises:
        ValueError: naming the sizes that differ.
    """
    config = transformer.config
    sizes = [("a VAE of latent channels", config.in_channels, vae.config.latent_channels)]
    if text_encoder is not None:
        sizes.append(("a text encoder of width", config.caption_channels, text_encoder.width))
    wrong = [f"{name} {needed}, got {came}" for name, needed, came in sizes if came != needed]
    if wrong:
        raise ValueError(f"expected parts that fit the transformer: {'; '.join(wrong)}")


def check_text(text_encoder: TextEncoder | None, adapter: AbstractAdapter | None, plan: SamplingPlan) -> None:
    """Refuse to go without a text encoder where its states are needed.

    Raises:
        ValueError: unless the adapter's tokens replace the text and there is no guidance, whose other branch is the
            empty sentence.
    """
    if text_encoder is None and (adapter is None or not adapter.replaces_text):
        raise ValueError("expected a text encoder, because no adapter's tokens replace the text; got None")
    if text_encoder is None and plan.guidance > 1:
        raise ValueError(
            f"expected a text encoder, because guidance {plan.guidance} reads the empty sentence; got None"
        )


def pairing_of(transformer: VideoTransformer, vlm: EncodesFeatures, *, like: Pairing) -> Pairing:
    """What an adapter between these two models must have been made for; names are taken from `like`."""
    return replace(
        like,
        vlm_hidden_size=vlm.hidden_size,
        vlm_vision_size=vlm.vision_size,
        vlm_layers=tuple(vlm.layers),
        latent_channels=transformer.config.in_channels,
        caption_channels=transformer.config.caption_channels,
    )
