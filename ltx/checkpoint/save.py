"""Writing models as a folder in diffusers layout or into one official file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.part import Part
from ltx.checkpoint.read import FLOAT8, unwrapped
from ltx.checkpoint.write import SHARD_BYTES, write_model_folder, write_tensors
from ltx.offload import at_rest


def save_model(model: nn.Module, part: Part, folder: str | Path, *, shard_bytes: int = SHARD_BYTES) -> None:
    """Write `config.json` and the weights of one model into a folder.

    The layout is diffusers' own, so that diffusers reads the folder too. A model that the diffusers class cannot
    describe is written with official fields and names, which `load_model` reads as well.

    Args:
        model: has `config.to_dict()` and official parameter names.
        part: what it is.
        folder: made if need be; files of the same names are replaced only when all new ones are complete.
        shard_bytes: largest size of a weights file.

    Raises:
        CheckpointError: if writing fails; the old files are untouched.
    """
    config: Any = model.config
    tensors, fields = folder_content(_state(model), config, part)
    write_model_folder(Path(folder), tensors, fields, shard_bytes=shard_bytes)


def folder_content(state: Mapping[str, Tensor], config: Any, part: Part) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and `config.json` of a folder: diffusers' if it can describe the model, else the official ones."""
    _check_plain(state)
    try:
        fields = part.to_diffusers(config)
    except CheckpointError:
        return dict(state), {**config.to_dict(), "_class_name": part.official_class}
    names = part.renaming(config).to_diffusers(state)
    return {names[key]: tensor for key, tensor in state.items()}, fields


def official_content(
    models: Sequence[tuple[Part, Mapping[str, Tensor], Any]], extra: Mapping[str, Any]
) -> tuple[dict[str, Tensor], str]:
    """Tensors and the metadata `config` of an official file.

    Args:
        models: part, tensors by official name and configuration of each model.
        extra: other objects of the configuration: `scheduler`, `allowed_inference_steps`.

    Raises:
        CheckpointError: if a part that has an official file of its own is put beside another model.
    """
    for _, state, _ in models:
        _check_plain(state)
    if alone := next((part for part, _, _ in models if part.alone), None):
        if len(models) > 1 or extra:
            raise CheckpointError(
                f"a {alone.name.replace('_', ' ')} has an official file of its own, without other models"
            )
        _, state, config = models[0]
        return dict(state), json.dumps(config.to_dict())
    tensors = {f"{part.prefixes[0]}{key}": tensor for part, state, _ in models for key, tensor in state.items()}
    return tensors, json.dumps({**{part.name: config.to_dict() for part, _, config in models}, **extra})


def save_official(
    path: str | Path, models: Sequence[tuple[Part, nn.Module]], *, extra: Mapping[str, Any] | None = None
) -> None:
    """Write models into one official safetensors file: prefixed names, configuration in the metadata.

    Raises:
        CheckpointError: if writing fails, the old file is untouched; or the models do not belong into one file.
    """
    content = [(part, _state(model), model.config) for part, model in models]
    tensors, config = official_content(content, extra or {})
    write_tensors(Path(path), tensors, {"config": config})


def _state(model: nn.Module) -> dict[str, Tensor]:
    """Tensors by name, as they rest; compiling a model or a block of it does not change the names.

    Raises:
        CheckpointError: if they rest in float8.
    """
    at_rest(model)
    if any(tensor.dtype in FLOAT8 for tensor in model.state_dict().values()):
        raise CheckpointError(
            "expected weights in the type they were read in, got a model that stores them in float8; read it with "
            "storage=stored to save it"
        )
    return {unwrapped(key): tensor for key, tensor in model.state_dict().items()}


def _check_plain(state: Mapping[str, Tensor]) -> None:
    """Refuse a model whose layers are wrapped: its names would be read by nobody."""
    if wrapped := [key for key in state if ".base_layer." in key or ".lora_" in key]:
        raise CheckpointError(f"a LoRA is attached to the model; detach or merge it before saving: {listed(wrapped)}")
