"""Checkpoints with random weights in the real formats: of true size, or tiny; written tensor by tensor, never held.

Matrices have the spread that keeps signals alive, norms are one, biases zero: what is computed from them is finite.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, T5Config, T5EncoderModel

from foresight.machine.training import T5_XXL
from foresight.vlm.curriculum.qa import world_tokenizer
from foresight.vlm.small import SmallQwenConfig, small_config
from ltx.text.small import train_tokenizer
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.vae import VAEConfig, VideoVAE
from ltx.vae.part import VAE as VAE_PART
from ltx.vae.release import VAE_FIELDS

BLOCK = 1 << 22
"""Random numbers that are drawn once, and repeated from another place in every tensor."""
SENTENCES = ("the red ball is pushed to the left", "nothing is pushed")
ONES = (
    "norm.weight",
    "norm1.weight",
    "norm2.weight",
    "ln_q.weight",
    "layernorm.weight",
    "norm_q.weight",
    "norm_k.weight",
)
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sizes:
    """The parts to write.

    Args:
        transformer: of the video model.
        vae: fields of its VAE.
        vlm: as a released `config.json`, without the numbers of tokens.
        text: fields of the T5.
        shard: largest file of a folder, in bytes.
    """

    transformer: TransformerConfig
    vae: Mapping[str, Any]
    vlm: Mapping[str, Any]
    text: Mapping[str, Any]
    shard: int


QWEN_3B: dict[str, Any] = {
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "tie_word_embeddings": True,
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "tokens_per_second": 2,
    },
}

FULL = Sizes(
    TransformerConfig.ltx_2b(causal_temporal_positioning=True), VAE_FIELDS["0.9.5"], QWEN_3B, T5_XXL, 4_000_000_000
)


def write_video_model(path: Path, sizes: Sizes) -> Path:
    """One official file of a transformer and a VAE."""
    with torch.device("meta"):
        vae_config = VAEConfig.from_dict(sizes.vae)
        models: list[tuple[Any, nn.Module, Any]] = [
            (TRANSFORMER, VideoTransformer(sizes.transformer), sizes.transformer),
            (VAE_PART, VideoVAE(vae_config), vae_config),
        ]
    shapes = {f"{part.prefixes[0]}{key}": shape for part, model, _ in models for key, shape in _shapes(model).items()}
    config = json.dumps({part.name: fields.to_dict() for part, _, fields in models})
    write_tensors(path, shapes, {"config": config})
    return path


def write_vlm(folder: Path, sizes: Sizes) -> Path:
    """A folder like a released Qwen2.5-VL's: flat configuration, released names, shards, tokenizer, processor."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = world_tokenizer(vocabulary=400)
    tokenizer.save_pretrained(folder)
    names = {
        "bos_token_id": "<|endoftext|>",
        "eos_token_id": "<|im_end|>",
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    fields = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "torch_dtype": "bfloat16",
        **sizes.vlm,
        **{name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()},
    }
    (folder / "config.json").write_text(json.dumps(fields, indent=2), encoding="utf-8")
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "min_pixels": 3136,
        "max_pixels": 12845056,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2), encoding="utf-8")
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig.from_dict(fields))
    shapes = {
        key.replace("model.visual.", "visual.").replace("model.language_model.", "model."): shape
        for key, shape in _shapes(model).items()
        if not (key == "lm_head.weight" and fields["tie_word_embeddings"])
    }
    _write_shards(folder, shapes, sizes.shard)
    return folder


def write_text_encoder(folder: Path, sizes: Sizes) -> Path:
    """A folder with `text_encoder` and `tokenizer`, as the releases of T5 beside diffusers' models have them."""
    config = T5Config(**sizes.text)
    with torch.device("meta"):
        model = T5EncoderModel(config)
    inside = folder / "text_encoder"
    inside.mkdir(parents=True, exist_ok=True)
    fields = {**config.to_dict(), "architectures": ["T5EncoderModel"], "torch_dtype": "bfloat16"}
    (inside / "config.json").write_text(json.dumps(fields, indent=2), encoding="utf-8")
    shapes = {key: shape for key, shape in _shapes(model).items() if key != "encoder.embed_tokens.weight"}
    _write_shards(inside, shapes, sizes.shard)
    train_tokenizer(SENTENCES, vocabulary=256).save_pretrained(str(folder / "tokenizer"))
    return folder


def write_tensors(path: Path, shapes: Shapes, metadata: Mapping[str, str]) -> None:
    """A safetensors file of bfloat16 tensors: its header, then one tensor after the other."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, shape in shapes.items():
        end = offset + 2 * prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    block = torch.randn(BLOCK, generator=torch.Generator().manual_seed(0))
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for number, (name, shape) in enumerate(shapes.items()):
            for piece in _values(name, shape, block.roll(7919 * number)):
                file.write(piece)


def _values(name: str, shape: tuple[int, ...], block: Tensor) -> Iterator[bytes]:
    """The bytes of a tensor, at most a block at a time."""
    count = prod(shape)
    if name.endswith(ONES) or "std-of-means" in name:
        values = torch.ones(min(count, BLOCK))
    elif len(shape) < 2:
        values = torch.zeros(min(count, BLOCK))
    else:
        values = block[: min(count, BLOCK)] * prod(shape[1:]) ** -0.5
    stored = values.to(torch.bfloat16).view(torch.int16).numpy().tobytes()
    for first in range(0, count, BLOCK):
        yield stored[: 2 * min(BLOCK, count - first)]


def _write_shards(folder: Path, shapes: Shapes, limit: int) -> None:
    """Files of at most so many bytes, and the index that says where each tensor is."""
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    size = 0
    for name, shape in shapes.items():
        if shards[-1] and size + 2 * prod(shape) > limit:
            shards.append({})
            size = 0
        shards[-1][name] = shape
        size += 2 * prod(shape)
    places = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        write_tensors(folder / file, shard, {"format": "pt"})
        places |= dict.fromkeys(shard, file)
    total = sum(2 * prod(shape) for shape in shapes.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def tiny_sizes() -> Sizes:
    """The same formats at a size that takes seconds."""
    small = SmallQwenConfig(64, 2, 2, 1, 64, 32, 2, 2, 32, 1e6)
    config: Any = small_config(small, world_tokenizer(vocabulary=400))
    text, vision = config.text_config, config.vision_config
    vlm = {
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_hidden_layers": text.num_hidden_layers,
        "num_attention_heads": text.num_attention_heads,
        "num_key_value_heads": text.num_key_value_heads,
        "vocab_size": text.vocab_size,
        "rope_theta": 1e6,
        "rope_scaling": {"type": "mrope", "mrope_section": small.rotary_sections},
        "tie_word_embeddings": True,
        "vision_config": {name: getattr(vision, name) for name in QWEN_3B["vision_config"]},
    }
    transformer = TransformerConfig(
        in_channels=8,
        out_channels=8,
        num_layers=2,
        num_attention_heads=2,
        attention_head_dim=12,
        cross_attention_dim=24,
        caption_channels=32,
        positional_embedding_theta=10_000.0,
        positional_embedding_max_pos=(20.0, 2048.0, 2048.0),
        timestep_scale_multiplier=1000.0,
        causal_temporal_positioning=True,
        norm_eps=1e-6,
    )
    vae = {
        **VAE_FIELDS["0.9.5"],
        "latent_channels": 8,
        "encoder_base_channels": 8,
        "decoder_base_channels": 8,
    }
    t5 = {**T5_XXL, "d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 4, "vocab_size": 256}
    return Sizes(transformer, vae, vlm, t5, 100_000)
