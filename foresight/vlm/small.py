"""The small Qwen2.5-VL: transformers' own class at a size that one processor core trains in half an hour."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from foresight.vlm.encoder import Layers, QwenEncoder
from foresight.vlm.preprocess import Preprocessing
from foresight.vlm.prompts import token_id


@dataclass(frozen=True)
class SmallQwenConfig:
    """Widths, depths and rotary base; patch 14, merger 2×2, window 112 px, 2 tokens a second are as released."""

    hidden_size: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate_size: int
    vision_hidden_size: int
    vision_layers: int
    vision_heads: int
    vision_intermediate_size: int
    rope_theta: float
    """Base of the rotary frequencies; far below the released 1e6, as grids and prompts are small."""

    def __post_init__(self) -> None:
        if self.hidden_size % self.heads or (self.hidden_size // self.heads) % 2:
            raise ValueError(
                f"expected hidden_size / heads to be even (rotary pairs), got {self.hidden_size} / {self.heads}"
            )

    @property
    def rotary_sections(self) -> list[int]:
        """Frequencies dealt to time, rows and columns in turn, from the highest on.

        The released models give time the high third, columns the low third. On a grid four tokens wide the low third
        turns by less than a hundredth of a radian: columns could not be told apart.
        """
        return [1] * (self.hidden_size // self.heads // 2)


def small_config(config: SmallQwenConfig, tokenizer: PreTrainedTokenizerBase) -> Qwen2_5_VLConfig:
    """The transformers configuration of a small model for a tokenizer."""

    def token(name: str) -> int:
        return token_id(tokenizer, name)

    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": config.hidden_size,
            "intermediate_size": config.intermediate_size,
            "num_hidden_layers": config.layers,
            "num_attention_heads": config.heads,
            "num_key_value_heads": config.key_value_heads,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": config.rope_theta,
                "mrope_section": config.rotary_sections,
            },
            "bos_token_id": token("<|endoftext|>"),
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
        },
        vision_config={
            "depth": config.vision_layers,
            "hidden_size": config.vision_hidden_size,
            "intermediate_size": config.vision_intermediate_size,
            "num_heads": config.vision_heads,
            "out_hidden_size": config.hidden_size,
            "tokens_per_second": 2,
            "fullatt_block_indexes": [config.vision_layers - 1],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def build_small(
    config: SmallQwenConfig, tokenizer: PreTrainedTokenizerBase, *, seed: int
) -> Qwen2_5_VLForConditionalGeneration:
    """A small model with random weights; the same seed gives the same weights and leaves torch's generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(small_config(config, tokenizer))
    model.generation_config = GenerationConfig(
        bos_token_id=token_id(tokenizer, "<|endoftext|>"),
        eos_token_id=token_id(tokenizer, "<|im_end|>"),
        pad_token_id=token_id(tokenizer, "<|endoftext|>"),
        do_sample=False,
    )
    return model


def small_encoder(
    *,
    config: SmallQwenConfig,
    tokenizer: PreTrainedTokenizerBase,
    preprocessing: Preprocessing,
    layers: Layers,
    seed: int,
) -> QwenEncoder:
    """An encoder around a small model with random weights: what training starts from.

    Its language model gives its attention weights away, as training looks at them; loaded later it has no need to.
    """
    model = build_small(config, tokenizer, seed=seed)
    model.model.language_model.set_attn_implementation("eager")
    return QwenEncoder(model=model, tokenizer=tokenizer, preprocessing=preprocessing, layers=layers).train()
