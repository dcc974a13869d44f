"""Recognise the kind of a file or folder by its content."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ltx.bundle import index
from ltx.checkpoint.read import Weights, read_object
from ltx.lora.names import LOOKS
from ltx.transformer.part import TRANSFORMER
from ltx.upsampler.part import UPSAMPLER

Content = Literal["checkpoint", "latent upsampler", "LoRA"]


def content_of(path: Path) -> Content:
    """The kind of a file or folder; "checkpoint" for everything that is neither of the others.

    Raises:
        CheckpointError: if a file is damaged, or no safetensors or JSON.
    """
    if path.is_file():
        return _in_file(path)
    parts = {entry.name for entry in path.iterdir() if entry.is_dir()}
    if (path / index.FILE).is_file():
        parts.update(read_object(path / index.FILE))
    if TRANSFORMER.name in parts:
        return "checkpoint"
    if UPSAMPLER.name in parts:
        return "latent upsampler"
    if (path / "config.json").is_file():
        name = read_object(path / "config.json").get("_class_name")
        return "latent upsampler" if name in (UPSAMPLER.official_class, UPSAMPLER.diffusers_class) else "checkpoint"
    files = [file for file in path.glob("*.safetensors") if not file.name.startswith(".")]
    return _in_file(files[0]) if len(files) == 1 else "checkpoint"


def _in_file(path: Path) -> Content:
    keys = Weights((path,))
    if any(LOOKS.search(key) for key in keys):
        return "LoRA"
    return "latent upsampler" if UPSAMPLER.official_anchor in keys else "checkpoint"
