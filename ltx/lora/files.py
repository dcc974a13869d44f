"""Reading and writing LoRA files in the styles of PEFT, diffusers, ComfyUI and kohya."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from torch import Tensor

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.read import Weights
from ltx.checkpoint.weight_files import weight_files
from ltx.checkpoint.write import write_json, write_tensors
from ltx.lora.beside import PEFT_CONFIG, PEFT_WEIGHTS
from ltx.lora.names import TEXT, Slot, Style, parse, refuse_others, written
from ltx.lora.record import LoRA, LowRank
from ltx.lora.strength import OURS, Strength

DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors"


def read_lora(where: str | Path, *, revision: str | None = None, alpha: float | None = None) -> LoRA:
    """Read a LoRA or IC-LoRA of the transformer, in whichever style it was written.

    Alpha comes from `.alpha` tensors; for modules without one from the `adapter_config.json` beside the file, also in a
    repository of the hub, or from the file's header. If nothing says it, it is the rank, and a warning says so. Keys of
    a text encoder are left out with a warning.

    Args:
        where: a safetensors file, a folder with one, the name of a released LoRA, or a hub id.
        revision: commit, tag or branch of a hub id.
        alpha: of every update, whatever the file says; None is what the file says.

    Raises:
        CheckpointError: if it is not there, not safetensors, no plain LoRA (a DoRA, LoHa or LoKr), has keys that are no
            LoRA's of this transformer, factors without their partner, of other shapes or not finite, or an alpha that
            is damaged or said twice and differently.
    """
    if alpha is not None and (isinstance(alpha, bool) or not isinstance(alpha, Real)):
        raise CheckpointError(f"expected alpha= a number, got {alpha!r}")
    path = resolve(where, "lora", revision)
    files = (path,) if path.is_file() else _weight_files(path)
    weights = Weights(files)
    keys = _own_keys(weights)
    slots = {key: parse(key) for key in keys}
    if unknown := [key for key, slot in slots.items() if slot is None]:
        raise CheckpointError(
            f"keys in {weights.where} that are no LoRA of an LTX-Video transformer: {listed(unknown)}"
        )
    tensors: dict[Slot, Tensor] = {slot: weights[key] for key, slot in slots.items() if slot is not None}
    if len(tensors) < len(slots):
        raise CheckpointError(f"{weights.where} holds the same update under more than one name")
    strength = Strength(files[0], weights, keys, alpha)
    differences = {slot.name: tensor for slot, tensor in tensors.items() if slot.kind == "difference"}
    updates = {}
    for name in dict.fromkeys(slot.name for slot in tensors if slot.kind != "difference"):
        parts = {slot.kind: tensor for slot, tensor in tensors.items() if slot.name == name}
        if not {"down", "up"} <= parts.keys():
            alone = [one for one in {s.name for s in tensors if s.kind != "difference"} if not _whole(one, tensors)]
            raise CheckpointError(f"updates in {weights.where} that lack one of their two factors: {listed(alone)}")
        down, up = _matrix(name, parts["down"], weights.where), _matrix(name, parts["up"], weights.where)
        try:
            update = LowRank(down, up, strength.of(name, down.shape[0], parts.get("alpha")))
        except CheckpointError as error:
            raise CheckpointError(f"{name} of {weights.where}: {error}") from error
        updates[name] = update
        if "bias" in parts:
            if f"{name}.bias" in differences:
                raise CheckpointError(f"{weights.where} holds the bias of {name} under more than one name")
            differences[f"{name}.bias"] = parts["bias"].float() * (update.alpha / update.rank)
    strength.warn()
    try:
        return LoRA(updates, differences)
    except CheckpointError as error:
        raise CheckpointError(f"{weights.where}: {error}") from error


def _weight_files(folder: Path) -> tuple[Path, ...]:
    """The file of PEFT or of diffusers, by its name; else the only one there is."""
    named = [folder / name for name in (PEFT_WEIGHTS, DIFFUSERS_WEIGHTS) if (folder / name).is_file()]
    return (named[0],) if len(named) == 1 else weight_files(folder)


def _own_keys(weights: Weights) -> list[str]:
    """The keys of the transformer."""
    text = [key for key in weights if TEXT.match(key)]
    keys = [key for key in weights if not TEXT.match(key)]
    if text and not keys:
        raise CheckpointError(
            f"{weights.where} is a LoRA of a text encoder alone, such as {text[0]}; expected one of the transformer"
        )
    if text:
        warnings.warn(
            f"{weights.where} also holds {len(text)} tensors for a text encoder, which are left out ({text[0]}, …): "
            "LTX-Video's is used as it is",
            stacklevel=3,
        )
    refuse_others(keys, weights.where)
    return keys


def _whole(name: str, tensors: Mapping[Slot, Tensor]) -> bool:
    return {Slot(name, "down"), Slot(name, "up")} <= tensors.keys()


def _matrix(name: str, factor: Tensor, where: str) -> Tensor:
    """A factor as a matrix: some tools write linear layers as convolutions of a single pixel."""
    if factor.ndim > 2 and factor.shape[2:].numel() > 1:
        raise CheckpointError(
            f"{name} of {where} is an update of a convolution, of shape {tuple(factor.shape)}; "
            "the layers of this transformer are linear"
        )
    return factor.flatten(1) if factor.ndim > 2 else factor


def write_lora(lora: LoRA, where: str | Path, style: Style) -> Path:
    """Write a LoRA so that other tools apply it with the same strength.

    PEFT's style is a folder whose `adapter_config.json` records alpha. The other two have no place for alpha that
    every reader looks at, so it is folded into the second factor: in its type where that is exact, else in float32.

    Args:
        lora: the updates.
        where: for "peft" a folder; for the others a `.safetensors` file, or a folder in which to put
            `pytorch_lora_weights.safetensors`.
        style: whose names to write.

    Returns:
        The file with the weights.

    Raises:
        CheckpointError: if writing fails, what was there before is untouched; if PEFT's folder is to be a file; or if
            there are whole differences, for which only ComfyUI's style has a place.
    """
    path = Path(where)
    if lora.differences and style != "comfy":
        raise CheckpointError(
            f"this LoRA has whole differences ({listed(lora.differences)}), which the style {style!r} cannot hold; "
            "write it as 'comfy', or merge it into the weights"
        )
    if style == "peft":
        if path.suffix == ".safetensors":
            raise CheckpointError(f"expected a folder to write a LoRA of PEFT into, got the name of a file, {path}")
        write_tensors(path / PEFT_WEIGHTS, _tensors(lora.updates, style), {})
        write_json(path / PEFT_CONFIG, peft_fields(lora))
        return path / PEFT_WEIGHTS
    file = path if path.suffix == ".safetensors" else path / DIFFUSERS_WEIGHTS
    ranks = {name: update.rank for name, update in lora.updates.items()}
    note = json.dumps({"folded_alpha": {name: update.alpha for name, update in lora.updates.items()}, "rank": ranks})
    tensors = _tensors({name: update.folded() for name, update in lora.updates.items()}, style)
    write_tensors(file, tensors | _whole_tensors(lora.differences), {OURS: note})
    return file


def _tensors(updates: Mapping[str, LowRank], style: Style) -> dict[str, Tensor]:
    tensors = {}
    for module, update in updates.items():
        name = written(module, style)
        tensors[f"{name}.lora_A.weight"] = update.down
        tensors[f"{name}.lora_B.weight"] = update.up
    return tensors


def _whole_tensors(differences: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ComfyUI's keys: `.diff` of a weight or table, `.diff_b` of a bias."""
    tensors = {}
    for name, tensor in differences.items():
        key = (
            f"{name.removesuffix('.bias')}.diff_b" if name.endswith(".bias") else f"{name.removesuffix('.weight')}.diff"
        )
        tensors[f"diffusion_model.{key}"] = tensor
    return tensors


def peft_fields(lora: LoRA) -> dict[str, Any]:
    """The `adapter_config.json` that makes PEFT build these updates on a diffusers transformer."""
    names = {module: written(module, "diffusers").removeprefix("transformer.") for module in lora.updates}
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "bias": "none",
        "inference_mode": True,
        "lora_dropout": 0.0,
        "r": next(iter(lora.updates.values())).rank,
        "lora_alpha": next(iter(lora.updates.values())).alpha,
        "rank_pattern": {f"^{re.escape(names[module])}": update.rank for module, update in lora.updates.items()},
        "alpha_pattern": {f"^{re.escape(names[module])}": update.alpha for module, update in lora.updates.items()},
        "target_modules": sorted(names.values()),
        "use_dora": False,
        "use_rslora": False,
    }
