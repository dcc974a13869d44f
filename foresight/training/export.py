"""Exports: folders that the trained parts of a network are written to when training ends."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from adapters import AbstractAdapter, save_adapter
from foresight.world.assembly import NamedParts, plan_assembly
from foresight.world.training_clips import TrainingClips

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Saves(Protocol):
    """A part that can be exported."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration and weights into a folder."""
        ...


class Writes(Protocol):
    """Writes something when training ends."""

    @property
    def folder(self) -> str:
        """Folder that is written."""
        ...

    def write(self, network: nn.Module) -> None:
        """Write, with the network as it is now."""
        ...


@dataclass(frozen=True)
class Export:
    """One trained part and its folder; adapters are written with their configuration and card."""

    folder: str | Path
    part: str
    """Name of the submodule; empty for the whole network."""
    precision: str
    """Of the written weights: float32, bfloat16 or float16."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"expected a precision out of {', '.join(PRECISIONS)}; got {self.precision!r}")

    def write(self, network: nn.Module) -> None:
        """Write the part of a network as it is now.

        Raises:
            AttributeError: if the network has no such part, or it cannot be saved.
        """
        part: Any = on_cpu(network.get_submodule(self.part), PRECISIONS[self.precision])
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        if isinstance(part, AbstractAdapter):
            save_adapter(part, self.folder)
        else:
            saves: Saves = part
            saves.save_pretrained(self.folder)


def on_cpu(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of a module on the CPU in another type; a tensor that is there in that type already is shared.

    So there is at most one more set of weights in memory, none on the device, and none at all where nothing changes.
    """
    moved: dict[int, Any] = {}
    for parameter in module.parameters():
        moved[id(parameter)] = nn.Parameter(_moved(parameter.detach(), dtype), requires_grad=False)
    for buffer in module.buffers():
        moved[id(buffer)] = _moved(buffer, dtype)
    return copy.deepcopy(module, moved)


def _moved(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to("cpu", dtype) if tensor.is_floating_point() else tensor.to("cpu")


@dataclass(frozen=True)
class Companion:
    """A frozen part from outside the network that belongs with what was trained, such as a text encoder."""

    folder: str | Path
    part: Saves

    def write(self, network: nn.Module) -> None:
        """Write the part; the network does not matter."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        self.part.save_pretrained(self.folder)


@dataclass(frozen=True)
class TrainingRecord:
    """Record of the clips that an adapter was trained on, written beside its weights."""

    folder: str
    clips: TrainingClips

    def write(self, network: nn.Module) -> None:
        """Write the record; the network does not matter."""
        self.clips.save(self.folder)


@dataclass(frozen=True)
class AssembledWorld:
    """The world model that trained parts make with those they were trained beside; it refers to the large ones.

    Args:
        folder: of the world model.
        adapter: folder of the adapter, which is written before; None is the video model alone.
        ltx: VAE and transformer.
        vae: another one than that of `ltx`.
        transformer: another one than that of `ltx`.
        vlm: the vision-language model; None without adapter.
        text_encoder: used where one is needed and the checkpoint has none.
    """

    folder: str
    adapter: str | None
    ltx: str
    vae: str
    transformer: str
    vlm: str | None
    text_encoder: str | None

    def write(self, network: nn.Module) -> None:
        """Assemble; the network does not matter.

        Raises:
            UserError: if the parts do not fit each other.
        """
        named = NamedParts(
            ltx=self.ltx,
            vlm=self.vlm,
            adapter=self.adapter,
            other_text_encoder=self.text_encoder,
            vae=self.vae,
            transformer=self.transformer,
        )
        assembly = plan_assembly(named, {})
        assembly.save(self.folder)
