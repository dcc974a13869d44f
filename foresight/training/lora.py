"""A plain LoRA of the video model: put on its transformer to be trained, and written for every tool that reads one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from foresight.data.encoders import PRECISIONS, check_precision
from foresight.world.placement import choose_dtype
from foresight.world.reference import locate, part_files
from ltx.lora import LowRankUpdate, attach, create, extract, read_lora, write_lora
from ltx.transformer import VideoTransformer

NAME = "trained"
DIFFUSERS, COMFY = "pytorch_lora_weights.safetensors", "comfy_lora_weights.safetensors"


def joined_lora(
    *,
    where: str | Path,
    rank: int,
    alpha: float,
    targets: Sequence[str],
    lora: str | Path | None = None,
    recompute: bool = False,
) -> VideoTransformer:
    """A frozen transformer in its stored type, and float32 updates beside its layers, which alone want gradients.

    Args:
        where: the transformer: a file, a folder, the name of a release or a hub id.
        rank: of a new LoRA.
        alpha: of a new LoRA; updates are scaled by alpha / rank.
        targets: ends of the names of the layers that a new LoRA updates.
        lora: one to go on with, of any tool; rank, alpha and layers are then its own.
        recompute: run blocks again in the backward pass instead of keeping their activations.

    Raises:
        CheckpointError: if the LoRA cannot be read or is for another model, or no layer has such a name.
        ValueError: if the rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"expected a rank of at least 1, got {rank}")
    files = part_files(locate(where, "transformer"), "transformer")
    transformer = VideoTransformer.from_pretrained(where, dtype=choose_dtype("auto", files, reader=False))
    transformer.requires_grad_(False)
    if lora is None:
        create(transformer, rank=rank, alpha=alpha, targets=targets, name=NAME)
    else:
        attach(transformer, read_lora(lora), name=NAME)
    for module in transformer.modules():
        if isinstance(module, LowRankUpdate):
            module.float().requires_grad_(True)
    transformer.gradient_checkpointing = recompute
    return transformer


@dataclass(frozen=True)
class LoRAExport:
    """The LoRA of a transformer as two files of one folder: by diffusers' keys, and by ComfyUI's.

    Alpha is folded into the second factor, since neither format has a place for it that all readers look at, and noted
    in the files' headers.

    Args:
        folder: where.
        precision: of the factors: float32, bfloat16 or float16.
        base: the video model that it is for, named in the next command.
    """

    folder: str
    precision: str
    base: str

    def __post_init__(self) -> None:
        check_precision(self.precision)

    @property
    def next(self) -> str:
        """The command that uses it."""
        return f"foresight generate pipeline.where={self.base} 'loras=[{{file: {self.folder}}}]' prompt=\"…\""

    def write(self, network: nn.Module) -> None:
        """Write the LoRA as it is now.

        Raises:
            CheckpointError: if there is none, it is not finite, or its type does not hold it.
        """
        lora = extract(network, name=NAME).to(PRECISIONS[self.precision])
        write_lora(lora, Path(self.folder, DIFFUSERS), "diffusers")
        write_lora(lora, Path(self.folder, COMFY), "comfy")
