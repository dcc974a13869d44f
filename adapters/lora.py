"""Low-rank updates of the transformer that belong to an adapter (LoRA, arXiv 2106.09685; IC-LoRA)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Inputs and outputs of each module that may be updated, in multiples of the transformer's width.
SIZES: dict[str, tuple[int, int]] = {
    **{f"{attention}.{name}": (1, 1) for attention in ("attn1", "attn2") for name in ("to_q", "to_k", "to_v")},
    **{f"{attention}.to_out.0": (1, 1) for attention in ("attn1", "attn2")},
    "ff.net.0.proj": (1, 4),
    "ff.net.2": (4, 1),
}


@dataclass(frozen=True)
class LoRAConfig:
    """Which linear layers of the transformer are updated, and by what rank. The scale is alpha / rank = 1.

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


class LowRank(nn.Module):
    """The update B·A·x of one linear layer; B starts at zero, so that nothing is changed before the first step."""

    def __init__(self, *, rank: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.lora_A = nn.Linear(inputs, rank, bias=False)
        self.lora_B = nn.Linear(rank, outputs, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """What is added to the layer's output."""
        return self.lora_B(self.lora_A(x.to(self.lora_A.weight.dtype))).to(x.dtype)


class LowRankUpdates(nn.Module):
    """All updates of a transformer. They live here, not in the transformer: they train, move and are saved with the
    adapter, and the transformer's own keys stay those of its checkpoint.
    """

    def __init__(self, config: LoRAConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(nn.ModuleList(self._updates()) for _ in range(config.blocks))
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def attach(self, transformer: nn.Module) -> None:
        """Add the updates to the outputs of the transformer's layers from now on, until `detach`.

        Raises:
            ValueError: if the transformer has other layers or sizes, or updates of this adapter already.
        """
        if self._handles:
            raise ValueError("these low-rank updates are attached already; detach them first")
        layers = dict(transformer.named_modules())
        blocks = sum(re.fullmatch(r"transformer_blocks\.\d+", name) is not None for name in layers)
        if blocks != self.config.blocks:
            raise ValueError(f"expected a transformer of {self.config.blocks} blocks for this LoRA, got {blocks}")
        pairs = []
        for name, update in self.named_updates():
            layer = layers.get(name)
            expected = (update.lora_A.in_features, update.lora_B.out_features)
            received = (layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else None
            if not isinstance(layer, nn.Linear) or received != expected:
                raise ValueError(f"expected {name} to map {expected[0]} to {expected[1]} channels, got {received}")
            pairs.append((layer, update))
        for layer, update in pairs:
            self._handles.append(layer.register_forward_hook(_adder(update)))

    def detach(self) -> None:
        """Leave the transformer as it was."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def named_updates(self) -> list[tuple[str, LowRank]]:
        """Each update with the name of the layer it belongs to."""
        named = []
        for index, block in enumerate(self.blocks):
            assert isinstance(block, nn.ModuleList)
            for target, update in zip(self.config.targets, block, strict=True):
                assert isinstance(update, LowRank)
                named.append((f"transformer_blocks.{index}.{target}", update))
        return named

    def export(self) -> dict[str, Tensor]:
        """The updates by PEFT's and diffusers' keys: `transformer.transformer_blocks.0.attn1.to_q.lora_A.weight` …"""
        return {
            f"transformer.{name}.{part}.weight": getattr(update, part).weight.detach()
            for name, update in self.named_updates()
            for part in ("lora_A", "lora_B")
        }

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

    def _updates(self) -> list[LowRank]:
        width, rank = self.config.width, self.config.rank
        sizes = (SIZES[target] for target in self.config.targets)
        return [LowRank(rank=rank, inputs=i * width, outputs=o * width) for i, o in sizes]


def _adder(update: LowRank) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + update(inputs[0])

    return add
