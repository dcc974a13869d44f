"""Low-rank updates of the transformer that belong to an adapter (LoRA, arXiv 2106.09685; IC-LoRA)."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ltx.lora import LowRankUpdate, attached, detach, lend

NAME = "adapter"
"""Of the LoRA that an adapter lends to a transformer."""

# Inputs and outputs of each module that may be updated, in multiples of the transformer's width.
SIZES: dict[str, tuple[int, int]] = {
    **{f"{attention}.{name}": (1, 1) for attention in ("attn1", "attn2") for name in ("to_q", "to_k", "to_v")},
    **{f"{attention}.to_out.0": (1, 1) for attention in ("attn1", "attn2")},
    "ff.net.0.proj": (1, 4),
    "ff.net.2": (4, 1),
}


@dataclass(frozen=True)
class LoRAConfig:
    """Linear layers of the transformer that are updated, and the rank. The scale is alpha / rank = 1.

    Args:
        rank: inner dimension of each update.
        targets: names inside a block, out of `SIZES`.
        blocks: number of blocks of the transformer.
        width: its width.

    Raises:
        ValueError: if a target is unknown, or there is none.
    """

    rank: int
    targets: tuple[str, ...]
    blocks: int
    width: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))
        unknown = sorted(set(self.targets) - set(SIZES))
        if unknown or not self.targets:
            raise ValueError(f"expected LoRA targets out of {', '.join(SIZES)}; got {', '.join(unknown) or 'none'}")
        if min(self.rank, self.blocks, self.width) < 1:
            raise ValueError(f"expected rank, blocks and width of at least 1, got {self}")


class LowRankUpdates(nn.Module):
    """All updates of a transformer. They live here, not in the transformer: they train, move and are saved with the
    adapter, and the transformer's own keys stay those of its checkpoint.
    """

    def __init__(self, config: LoRAConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(nn.ModuleList(self._updates()) for _ in range(config.blocks))
        self._transformer: weakref.ref[nn.Module] | None = None

    def attach(self, transformer: nn.Module) -> None:
        """Let the transformer compute with the updates from now on, until `detach`.

        Raises:
            ValueError: if the transformer has other layers or sizes, or the updates of an adapter already.
        """
        check_free(transformer)
        if self._lent_to() is not None:
            raise ValueError("these low-rank updates are attached already; detach them first")
        blocks = sum(
            re.fullmatch(r"transformer_blocks\.\d+", name) is not None for name, _ in transformer.named_modules()
        )
        if blocks != self.config.blocks:
            raise ValueError(f"expected a transformer of {self.config.blocks} blocks for this LoRA, got {blocks}")
        lend(transformer, dict(self.named_updates()), name=NAME)
        # Weakly: the adapter shall neither keep the transformer alive nor be copied with it.
        self._transformer = weakref.ref(transformer)

    def detach(self) -> None:
        """Leave the transformer as it was; nothing happens if they are attached to none."""
        transformer = self._lent_to()
        if transformer is not None:
            detach(transformer, name=NAME)
        self._transformer = None

    def _lent_to(self) -> nn.Module | None:
        return None if self._transformer is None else self._transformer()

    def __getstate__(self) -> dict[str, Any]:
        # A copy is attached to nothing.
        return {**self.__dict__, "_transformer": None}

    def named_updates(self) -> list[tuple[str, LowRankUpdate]]:
        """Each update with the name of the layer it belongs to."""
        named = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, nn.ModuleList)
            for target, update in zip(self.config.targets, block, strict=True):
                assert isinstance(update, LowRankUpdate)
                named.append((f"transformer_blocks.{index}.{target}", update))
        return named

    def export(self) -> dict[str, Tensor]:
        """The updates by PEFT's and diffusers' keys: `transformer.transformer_blocks.0.attn1.to_q.lora_A.weight` …"""
        return {
            f"transformer.{name}.{part}.weight": getattr(update, part).weight.detach()
            for name, update in self.named_updates()
            for part in ("lora_A", "lora_B")
        }

    @property
    def strength(self) -> dict[str, str]:
        """Header entries that state the scale, for tools that look there."""
        return {"lora_alpha": str(self.config.rank), "r": str(self.config.rank)}

    def read(self, tensors: Mapping[str, Tensor]) -> None:
        """Take updates written by `export`.

        Raises:
            ValueError: if keys are missing or left over, or a shape differs.
        """
        own = self.export()
        missing, left = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
        if missing or left:
            raise ValueError(f"expected the LoRA of {self.config}; missing {missing[:4]}, left over {left[:4]}")
        for name, update in self.named_updates():
            for part in ("lora_A", "lora_B"):
                weight, new = getattr(update, part).weight, tensors[f"transformer.{name}.{part}.weight"]
                if new.shape != weight.shape:
                    raise ValueError(f"expected {name}.{part} of shape {tuple(weight.shape)}, got {tuple(new.shape)}")
                with torch.no_grad():
                    weight.copy_(new)

    def _updates(self) -> list[LowRankUpdate]:
        width, rank = self.config.width, self.config.rank
        sizes = (SIZES[target] for target in self.config.targets)
        return [LowRankUpdate(rank=rank, inputs=i * width, outputs=o * width) for i, o in sizes]


def check_free(transformer: nn.Module) -> None:
    """Refuse a transformer that computes with an adapter's LoRA already: two would add up, or one be heard by both.

    Raises:
        ValueError: if it does.
    """
    if NAME in attached(transformer):
        raise ValueError(
            "expected a transformer without the LoRA of an adapter, got one that has one attached already; "
            "call `detach()` of that adapter first, or use another copy of the transformer"
        )
