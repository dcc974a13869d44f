"""Networks as training starts them; `foresight.training.modes` says in which mode they train."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adapters import (
    AbstractAdapter,
    ComposeConfig,
    ComposedAdapter,
    build_adapter,
    config_from_dict,
    load_adapter,
)
from foresight.data.source import ClipSource
from foresight.physics.language import all_paraphrases
from foresight.vlm.encoder import QwenEncoder
from foresight.world.placement import choose_dtype
from foresight.world.reference import locate, part_files
from ltx.text import TextEncoder, small_text_encoder
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.vae import VAEConfig, VideoVAE

GAIN = 1.7
"""Standard deviation of a convolution's weights times √fan-in: keeps signals alive through SiLU."""


def new_vae(*, config: dict[str, Any], clips: ClipSource, frames: int) -> VideoVAE:
    """A VAE initialised on data: latents of standard deviation 1 across samples, output about the data's mean.

    At torch's default initialisation the latents hardly depend on the input, and the decoder settles on the background
    before the encoder has learnt to say anything else.

    Args:
        config: in the official vocabulary, for `VAEConfig.from_dict`.
        clips: what to measure on; all of them.
        frames: how many frames of each to use, 8k+1.
    """
    vae = VideoVAE(VAEConfig.from_dict(config))
    for name, module in vae.named_modules():
        if isinstance(module, nn.Conv3d):
            scale = 0.5 if "conv2" in name else 1.0
            nn.init.normal_(module.weight, 0.0, scale * GAIN / module.weight[0].numel() ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    calibrate(vae, clips.__getitems__(range(len(clips))).video[:, :, :frames].contiguous())
    return vae


@torch.no_grad()
def calibrate(vae: VideoVAE, video: Float[Tensor, "batch rgb=3 frame height width"]) -> None:
    """Whiten the encoder's output on a batch, make its posterior narrow, and centre the decoder's output."""
    axes, channels = (0, 2, 3, 4), vae.config.latent_channels
    mean = vae.moments(video).mean
    centre, spread = mean.mean(axes), mean.std(axes) + 1e-4
    out = vae.encoder.conv_out.conv
    last = vae.decoder.conv_out.conv
    assert out.bias is not None and last.bias is not None
    out.weight[:channels] /= spread.view(-1, 1, 1, 1, 1)
    out.bias[:channels] = -centre / spread
    out.weight[channels:] *= 0.05
    out.bias[channels:] = -7.0
    picture = vae.decode(vae.moments(video).mean, timestep=0.05, noise_scale=0.0)
    last.weight *= 0.3 / picture.std()
    last.bias += video.mean()


def trained_vae(*, where: str | Path) -> VideoVAE:
    """A VAE as it was saved, in float32: to be trained further, or to encode with."""
    return VideoVAE.from_pretrained(where, dtype=torch.float32)


def new_transformer(*, config: dict[str, Any]) -> VideoTransformer:
    """A transformer whose residual branches start at half size and whose first prediction is zero."""
    transformer = VideoTransformer(TransformerConfig.from_dict(config))
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if name.endswith(("to_out.0.weight", "ff.net.2.weight")):
                parameter.mul_(0.5)
        nn.init.zeros_(transformer.proj_out.weight)
        nn.init.zeros_(transformer.proj_out.bias)
    return transformer


def trained_transformer(*, where: str | Path) -> VideoTransformer:
    """A transformer as it was saved, in float32."""
    return VideoTransformer.from_pretrained(where, dtype=torch.float32)


def frozen_transformer(*, where: str | Path) -> VideoTransformer:
    """A transformer that is not trained: in its stored type if it is large, and without gradients."""
    files = part_files(locate(where, "transformer"), "transformer")
    dtype = choose_dtype("auto", files, reader=False)
    return VideoTransformer.from_pretrained(where, dtype=dtype).requires_grad_(False)


def trained_vlm(*, where: str | Path, layers: Sequence[int]) -> QwenEncoder:
    """A vision-language model as it was saved, in float32, with the hidden states that an adapter reads.

    Args:
        where: its folder, a hub id, or the name of the embedded model.
        layers: which hidden states.
    """
    return QwenEncoder.from_pretrained(where, layers=layers, dtype=torch.float32)


def new_adapter(*, config: dict[str, Any]) -> AbstractAdapter:
    """A fresh adapter.

    Args:
        config: as in `adapter_config.json`: the adapter's type and the fields of its configuration.
    """
    return build_adapter(config_from_dict(config))


def joined_adapters(*, parts: dict[str, AbstractAdapter]) -> AbstractAdapter:
    """Adapters side by side as one, in the order of their names.

    Raises:
        ValueError: if two of them give the same kind of output, or join other models.
    """
    ordered = [parts[name] for name in sorted(parts)]
    return ComposedAdapter(ComposeConfig(tuple(part.config for part in ordered)), ordered)


def trained_adapter(*, where: str | Path) -> AbstractAdapter:
    """An adapter as it was saved, in float32, to be trained further."""
    return load_adapter(where, dtype=torch.float32)


def trained_text_encoder(*, where: str | Path) -> TextEncoder:
    """A text encoder as it was saved, in float32."""
    return TextEncoder.from_pretrained(where, dtype=torch.float32)


def world_text_encoder(*, width: int, layers: int, max_tokens: int, vocabulary: int, seed: int) -> TextEncoder:
    """A small frozen T5 whose tokenizer knows every wording of the simulated world's instructions.

    Its states tell the sentences apart, which is all that the transformer needs: it learns what they mean.
    """
    sentences = [sentence for group in all_paraphrases() for sentence in group]
    return small_text_encoder(
        sentences, width=width, layers=layers, max_tokens=max_tokens, vocabulary=vocabulary, seed=seed
    )
