"""Our models and diffusers' with the same weights, renamed by the production converter and held in memory once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel
from torch import Tensor, nn

from ltx.checkpoint.save import folder_content
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.vae import VAEConfig, VideoVAE
from ltx.vae.part import VAE

SCALE = (8 / 25, 32.0, 32.0)
"""Seconds, pixel rows and pixel columns of a latent step at 25 frames a second."""

# layers, heads, head width, caption width; "deep" has the depth of the released 2B, to be counted
TRANSFORMERS = {
    "deep": (28, 2, 64, 256),
    "small": (4, 8, 64, 1024),
    "quarter": (7, 16, 64, 2048),
    "2b": (28, 32, 64, 4096),
}

_TIMED = {
    "decoder_spatio_temporal_scaling": (True,) * 3,
    "upsample_residual": (True,) * 3,
    "upsample_factor": (2,) * 3,
    "timestep_conditioning": True,
}
# Widths are divided by the second number below.
_VAES: dict[str, dict[str, Any]] = {
    "0.9.1": {
        "block_out_channels": (128, 256, 512, 512),
        "decoder_block_out_channels": (256, 512, 1024),
        "layers_per_block": (4, 3, 3, 3, 4),
        "decoder_layers_per_block": (5, 6, 7, 8),
        "decoder_inject_noise": (False,) * 4,  # the noise would differ between the two
        **_TIMED,
    },
    "0.9.5": {
        "block_out_channels": (128, 256, 512, 1024, 2048),
        "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
        "decoder_block_out_channels": (256, 512, 1024),
        "layers_per_block": (4, 6, 6, 2, 2),
        "decoder_layers_per_block": (5, 5, 5, 5),
        "spatio_temporal_scaling": (True,) * 4,
        "decoder_inject_noise": (False,) * 4,
        "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
        "spatial_compression_ratio": 32,
        "temporal_compression_ratio": 8,
        **_TIMED,
    },
}
VAE_DIVISORS = {"deep": 16, "small": 8, "quarter": 4, "2b": 1}


def shared(ours: nn.Module, part: Any, theirs: type[nn.Module], *, device: torch.device) -> nn.Module:
    """Diffusers' model on the very tensors of ours."""
    tensors, fields = folder_content(ours.state_dict(), ours.config, part)
    known = {name: value for name, value in fields.items() if not name.startswith("_")}
    with torch.device("meta"):
        other = theirs(**known)
    other.load_state_dict(tensors, strict=True, assign=True)
    assert all(tensor.device.type == device.type for tensor in other.state_dict().values())
    return other.eval().requires_grad_(False)


@dataclass(frozen=True)
class TransformerTwins:
    """Both transformers and inputs for them; `ours` and `theirs` make calls to time or count."""

    model: VideoTransformer
    other: LTXVideoTransformer3DModel
    shape: LatentShape
    tokens: Tensor
    context: Tensor
    mask: Tensor
    timesteps: Tensor

    @classmethod
    def make(
        cls,
        size: str,
        *,
        shape: LatentShape,
        per_token: bool,
        dtype: torch.dtype,
        device: torch.device,
        batch: int = 1,
        length: int = 128,
    ) -> TransformerTwins:
        """Random weights and inputs; a quarter of the text is padding; per token, the first frame is given (time 0)."""
        torch.manual_seed(0)
        config = transformer_config(size)
        with device:
            model = VideoTransformer(config).to(dtype).eval().requires_grad_(False)
            for name, parameter in model.named_parameters():  # keeps the stream of a deep random model in bounds
                if name.endswith(("to_out.0.weight", "ff.net.2.weight")):
                    parameter.mul_((2 * config.num_layers) ** -0.5)
            timesteps = torch.full((batch, shape.tokens if per_token else 1), 0.5)
            if per_token:
                timesteps[:, : shape.height * shape.width] = 0
            return cls(
                model=model,
                other=shared(model, TRANSFORMER, LTXVideoTransformer3DModel, device=device),
                shape=shape,
                tokens=torch.randn(batch, shape.tokens, config.in_channels, dtype=dtype),
                context=torch.randn(batch, length, config.caption_channels, dtype=dtype),
                mask=(torch.arange(length) < length * 3 // 4).expand(batch, -1),
                timesteps=timesteps,
            )

    @torch.no_grad()
    def ours(self) -> Callable[[], Tensor]:
        """One step of a prepared sampling run."""
        cache = self.model.prepare(self.coordinates, self.context, self.mask)
        return lambda: self.model.denoise(self.tokens, self.timesteps, cache)

    def theirs(self) -> Callable[[], Tensor]:
        """One forward; diffusers' timesteps are 0…1000, one a sample or one a token."""
        times = 1000 * (self.timesteps if self.timesteps.shape[1] > 1 else self.timesteps[:, 0])
        return lambda: self.forward_other(self.tokens, times)

    @property
    def coordinates(self) -> Tensor:
        """Seconds and pixels of each token."""
        return coordinates(self.shape, frame_rate=25.0, causal=False, device=self.tokens.device)[None]

    def forward_other(self, tokens: Tensor, times: Tensor) -> Tensor:
        """Diffusers' velocity at times 0…1000."""
        sizes = {"num_frames": self.shape.frames, "height": self.shape.height, "width": self.shape.width}
        return self.other(
            tokens,
            self.context,
            times,
            encoder_attention_mask=self.mask,
            rope_interpolation_scale=SCALE,
            return_dict=False,
            **sizes,
        )[0]


def transformer_config(size: str) -> TransformerConfig:
    """The released 2B configuration at another size."""
    layers, heads, head_dim, caption = TRANSFORMERS[size]
    return TransformerConfig(
        in_channels=128,
        out_channels=128,
        num_layers=layers,
        num_attention_heads=heads,
        attention_head_dim=head_dim,
        cross_attention_dim=heads * head_dim,
        caption_channels=caption,
        positional_embedding_theta=10_000.0,
        positional_embedding_max_pos=(20.0, 2048.0, 2048.0),
        timestep_scale_multiplier=1000.0,
        causal_temporal_positioning=False,
        norm_eps=1e-6,
    )


def vae_twins(
    generation: str, size: str, *, dtype: torch.dtype, device: torch.device
) -> tuple[VideoVAE, AutoencoderKLLTXVideo]:
    """Both VAEs of a generation, widths divided for the smaller sizes."""
    fields = dict(_VAES[generation])
    for name in ("block_out_channels", "decoder_block_out_channels"):
        fields[name] = tuple(width // VAE_DIVISORS[size] for width in fields[name])
    torch.manual_seed(0)
    config = VAEConfig.from_dict(VAE.from_diffusers({"latent_channels": 128, **fields}))
    with device:
        ours = VideoVAE(config).to(dtype).eval().requires_grad_(False)
    return ours, shared(ours, VAE, AutoencoderKLLTXVideo, device=device)
