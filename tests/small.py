"""Configurations of small models that tests share."""

from __future__ import annotations

from typing import Any

from foresight.world.sampling_config import SamplingConfig
from ltx.transformer import TransformerConfig
from ltx.vae import VAEConfig
from ltx.vae.release import VAE_FIELDS


def transformer_config(*, channels: int = 8, **changes: Any) -> TransformerConfig:
    """Two blocks of four heads of eight channels, with the constants of the releases.

    Args:
        channels: of the latents that go in and come out.
        changes: other fields; `cross_attention_dim` is heads × head width unless it is named.
    """
    fields: dict[str, Any] = {
        "in_channels": channels,
        "out_channels": channels,
        "num_layers": 2,
        "num_attention_heads": 4,
        "attention_head_dim": 8,
        "caption_channels": 16,
        "positional_embedding_theta": 10_000.0,
        "positional_embedding_max_pos": (20.0, 2048.0, 2048.0),
        "timestep_scale_multiplier": 1000.0,
        "causal_temporal_positioning": True,
        "norm_eps": 1e-6,
        **changes,
    }
    width = fields["num_attention_heads"] * fields["attention_head_dim"]
    return TransformerConfig(**{"cross_attention_dim": width, **fields})


def vae_config(generation: str = "0.9.5", *, channels: int = 8, width: int = 8, **changes: Any) -> VAEConfig:
    """A VAE of a released generation with few channels.

    Args:
        generation: its block lists are kept.
        channels: of the latents.
        width: of the widest pictures inside.
        changes: other official fields.
    """
    sizes = {"encoder_base_channels": width, "decoder_base_channels": width, "latent_channels": channels}
    return VAEConfig.from_dict({**VAE_FIELDS[generation], **sizes, **changes})


def sampling_config(**changes: Any) -> SamplingConfig:
    """Two seconds of eight frames after nine, in four uniform steps.

    Args:
        changes: other fields.
    """
    fields: dict[str, Any] = {
        "frame_rate": 8.0,
        "context_frames": 9,
        "chunk_frames": 16,
        "steps": 4,
        "schedule": "uniform",
        "decode_timestep": 0.05,
        "decode_noise": 0.025,
        "carried_noise": 0.1,
        "continuation": "nothing is pushed",
        "guidance": 1.0,
        "estimate": "medoid",
    }
    return SamplingConfig(**{**fields, **changes})


UNTRAINED = {"domain_warning": 0.0, "domain_limit": 0.0}
"""Limits of a sampling configuration for random weights, which reconstruct nothing."""
