"""Parts of a world model, and the stages of a prediction that each of them computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import AbstractAdapter, Conditioning, ModelPair, VLMFeatures
from foresight.world.denoiser import ConditionedSequence
from foresight.world.feature_encoder import EncodesFeatures
from foresight.world.remembered import RememberedFeatures
from foresight.world.sampling_config import SamplingConfig
from ltx.flow.noise import draw_noise
from ltx.offload import device_of, dtype_of
from ltx.offload.placement import Placement
from ltx.shapes import LatentShape, coordinates, to_tokens
from ltx.text import TextConditioning, TextEncoder
from ltx.text.remembered import RememberedPrompts
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE


@dataclass(frozen=True, eq=False)
class WorldParts:
    """Networks of a world model that fit each other, and its sampling configuration.

    Args:
        vae: pixels ↔ latents.
        transformer: velocity of the flow.
        text_encoder: encodes the instruction for the transformer; None if the adapter's tokens replace the text.
        vlm: encodes clip and instruction for the adapter; None only if there is no adapter.
        adapter: conditions the transformer on the VLM's features; None for the video model alone.
        sampling_config: lengths, schedule and decoding.
        placement: devices and types that reading the parts decided on; None for parts that were made in memory.

    Raises:
        ValueError: if the parts do not fit each other.
    """

    vae: VideoVAE
    transformer: VideoTransformer
    text_encoder: TextEncoder | None
    vlm: EncodesFeatures | None
    adapter: AbstractAdapter | None
    sampling_config: SamplingConfig
    placement: Placement | None = None
    _prompts: RememberedPrompts = field(init=False, repr=False, default_factory=RememberedPrompts)
    _seen: RememberedFeatures = field(init=False, repr=False, default_factory=RememberedFeatures)

    def __post_init__(self) -> None:
        if (self.vlm is None) != (self.adapter is None):
            raise ValueError("expected a VLM and an adapter that reads it, or neither; got one of them")
        check_sizes(self.vae, self.transformer, self.text_encoder)
        check_text(self.text_encoder, self.adapter, self.sampling_config)
        if self.adapter is not None and self.vlm is not None:
            self.adapter.pairing.require(pairing_of(self.transformer, self.vlm, like=self.adapter.pairing))

    @property
    def device(self) -> torch.device:
        """Device of the transformer."""
        return device_of(self.transformer)

    def features(
        self, contexts: Float[Tensor, "batch rgb=3 context height width"], instructions: Sequence[str]
    ) -> VLMFeatures | None:
        """VLM features of clips and instructions, on the video model's clock; None without VLM."""
        if self.vlm is None:
            return None
        features = self._seen.encode(self.vlm, contexts, instructions, frame_rate=self.sampling_config.frame_rate).to(
            self.device
        )
        # The VLM may have seen earlier frames than the video model: its clock starts with the video model's context.
        earlier = max(0, contexts.shape[2] - self.sampling_config.context_frames)
        return features.shift(-earlier / self.sampling_config.frame_rate) if earlier else features

    def encode(
        self, video: Float[Tensor, "batch rgb=3 frame height width"]
    ) -> Float[Tensor, "batch channel latent_frame row column"]:
        """Normalised latents of videos: the posterior's mean, in float32."""
        return self.vae.encode(video.to(self.device, dtype_of(self.vae))).float()

    def text(self, instructions: Sequence[str]) -> TextConditioning:
        """Text states of instructions for the transformer; no token at all where an adapter's tokens replace them."""
        if self.text_encoder is None:
            width = self.transformer.config.caption_channels
            return TextConditioning.empty(len(instructions), width).to(self.device)
        return self._prompts.encode(self.text_encoder, instructions).to(self.device)

    def condition(
        self,
        context_latents: Float[Tensor, "batch channel latent_context row column"],
        features: VLMFeatures | None,
        text: TextConditioning,
        frames: int,
        *,
        noise_level: float = 0.0,
    ) -> tuple[Conditioning, ConditionedSequence]:
        """Run the adapter and build the conditioned token sequence for the next `frames` latent frames.

        Args:
            context_latents: of the observed frames.
            features: of the VLM; None without one.
            text: states of the instruction.
            frames: latent frames to predict.
            noise_level: of the context latents, in [0, 1).
        """
        batch, _, known, height, width = context_latents.shape
        places = coordinates(
            LatentShape(known + frames, height, width),
            frame_rate=self.sampling_config.frame_rate,
            causal=self.transformer.config.causal_temporal_positioning,
            device=self.device,
        ).expand(batch, -1, -1)
        conditioning = Conditioning()
        if self.adapter is not None and features is not None:
            dtype = next(self.adapter.parameters()).dtype
            targets = places[:, :, known * height * width :]
            conditioning = self.adapter(features.to(self.device, dtype), targets)
        tokens = to_tokens(context_latents)
        return conditioning, ConditionedSequence.of(tokens, places, text, conditioning, noise_level=noise_level)

    def decode(
        self,
        latents: Float[Tensor, "batch channel latent_frame row column"],
        generators: list[torch.Generator],
    ) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """Video in [−1, 1] of normalised latents, at the model's decoder noise level; one generator per row."""
        if self.sampling_config.decode_noise > 0:
            latents = torch.lerp(latents, draw_noise(latents, generators), self.sampling_config.decode_noise)
        video = self.vae.decode(
            latents.to(dtype_of(self.vae)), timestep=self.sampling_config.decode_timestep, noise_scale=0.0
        )
        return video.float().clamp(-1, 1)


class PartChanges(TypedDict, total=False):
    """Parts of a world model that are to be others; see `WorldParts`."""

    vae: VideoVAE
    transformer: VideoTransformer
    text_encoder: TextEncoder | None
    vlm: EncodesFeatures | None
    adapter: AbstractAdapter | None
    sampling_config: SamplingConfig


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


def check_text(
    text_encoder: TextEncoder | None, adapter: AbstractAdapter | None, sampling_config: SamplingConfig
) -> None:
    """Refuse to go without a text encoder where its states are needed.

    Raises:
        ValueError: unless the adapter's tokens replace the text and there is no guidance, whose other branch is the
            empty sentence.
    """
    if text_encoder is None and (adapter is None or not adapter.replaces_text):
        raise ValueError("expected a text encoder, because no adapter's tokens replace the text; got None")
    if text_encoder is None and sampling_config.guidance > 1:
        raise ValueError(
            f"expected a text encoder, because guidance {sampling_config.guidance} reads the empty sentence; got None"
        )


def pairing_of(transformer: VideoTransformer, vlm: EncodesFeatures, *, like: ModelPair) -> ModelPair:
    """The pair that an adapter between these two models must have; names are taken from `like`."""
    return replace(
        like,
        vlm_hidden_size=vlm.hidden_size,
        vlm_vision_size=vlm.vision_size,
        vlm_layers=tuple(vlm.layers),
        latent_channels=transformer.config.in_channels,
        caption_channels=transformer.config.caption_channels,
    )
