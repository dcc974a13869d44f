"""Reading and writing LoRA files in the PEFT, diffusers and ComfyUI styles."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.read import Weights, parse_object, read_object, weight_files
from ltx.checkpoint.write import write_json, write_tensors
from ltx.lora.names import Slot, Style, parse, written
from ltx.lora.record import LoRA, LowRank

PEFT_WEIGHTS, PEFT_CONFIG = "adapter_model.safetensors", "adapter_config.json"
DIFFUSERS_WEIGHTS = "pytorch_lora_weights.safetensors"
DIFFUSERS_METADATA = "lora_adapter_metadata"


def read_lora(where: str | Path, *, revision: str | None = None) -> LoRA:
    """Read a LoRA or IC-LoRA of the transformer, in whichever style it was written.

    The strength alpha comes from, in this order: `.alpha` tensors; the `adapter_config.json` beside the file; the
    adapter metadata that diffusers stores in the file; the rank, which is what files without any of these mean.

    Args:
        where: a safetensors file, a folder with one, the name of a released LoRA, or a hub id.
        revision: commit, tag or branch of a hub id.

    Raises:
        CheckpointError: if it is not there, not safetensors, a DoRA, or has keys that are no LoRA's of this
            transformer or factors without their partner.
    """
    path = resolve(where, "lora", revision)
    file = path if path.is_file() else weight_files(path)[0]
    weights = Weights((file,))
    slots = {key: parse(key) for key in weights}
    if unknown := [key for key, slot in slots.items() if slot is None]:
        raise CheckpointError(f"keys in {file} that are no LoRA of an LTX-Video transformer: {listed(unknown)}")
    tensors: dict[Slot, Tensor] = {slot: weights[key] for key, slot in slots.items() if slot is not None}
    if len(tensors) < len(slots):
        raise CheckpointError(f"{file} holds the same update under more than one name")
    alpha = _alphas(file, weights)
    modules = dict.fromkeys(slot.module for slot in tensors)
    if alone := [name for name in modules if not {Slot(name, "down"), Slot(name, "up")} <= tensors.keys()]:
        raise CheckpointError(f"updates in {file} that lack one of their two factors: {listed(alone)}")
    updates = {}
    for name in modules:
        down, up = tensors[Slot(name, "down")], tensors[Slot(name, "up")]
        own = tensors.get(Slot(name, "alpha"))
        updates[name] = LowRank(down, up, float(own) if own is not None else alpha(name, down.shape[0]))
    return LoRA(updates)


def _alphas(file: Path, weights: Weights) -> Callable[[str, int], float]:
    """Alpha of a module of a rank, as the file or the configuration beside it says."""
    fields: dict[str, Any] = {}
    if (beside := file.parent / PEFT_CONFIG).is_file() and file.name == PEFT_WEIGHTS:
        fields = read_object(beside)
    elif DIFFUSERS_METADATA in weights.metadata:
        stored = parse_object(weights.metadata[DIFFUSERS_METADATA], f"the adapter metadata of {file}")
        fields = {key.removeprefix("transformer."): value for key, value in stored.items()}
    if fields.get("use_dora"):
        raise CheckpointError(f"{file} is a DoRA, which is not supported; merge it into the weights with its tool")
    patterns = fields.get("alpha_pattern") or {}
    general = fields.get("lora_alpha")

    def alpha(module: str, rank: int) -> float:
        value = next((found for name, found in patterns.items() if _names(name, module)), general)
        if value is None:
            return float(rank)
        # Rank-stabilised LoRA divides by √rank instead of rank.
        return float(value) * (math.sqrt(rank) if fields.get("use_rslora") else 1.0)

    return alpha


def _names(entry: str, module: str) -> bool:
    """Whether an entry of PEFT's patterns is for a module, by either of its names."""
    spelled = {module, written(module, "diffusers").removeprefix("transformer.")}
    return any(re.fullmatch(rf"(.*\.)?({entry})", name) for name in spelled)


def write_lora(lora: LoRA, where: str | Path, style: Style) -> Path:
    """Write a LoRA so that other tools apply it with the same strength.

    PEFT's style is a folder whose `adapter_config.json` records alpha. The other two have no place for alpha that
    every reader looks at, so it is folded into the second factor.

    Args:
        lora: the updates.
        where: for "peft" a folder; for the others a `.safetensors` file, or a folder in which to put
            `pytorch_lora_weights.safetensors`.
        style: whose names to write.

    Returns:
        The file with the weights.

    Raises:
        CheckpointError: if writing fails, what was there before is untouched; or if PEFT's folder is to be a file.
    """
    path = Path(where)
    if style == "peft":
        if path.suffix == ".safetensors":
            raise CheckpointError(f"expected a folder to write a LoRA of PEFT into, got the name of a file, {path}")
        write_tensors(path / PEFT_WEIGHTS, _tensors(lora.updates, style), {})
        write_json(path / PEFT_CONFIG, peft_fields(lora))
        return path / PEFT_WEIGHTS
    file = path if path.suffix == ".safetensors" else path / DIFFUSERS_WEIGHTS
    ranks = {name: update.rank for name, update in lora.updates.items()}
    note = json.dumps({"folded_alpha": {name: update.alpha for name, update in lora.updates.items()}, "rank": ranks})
    write_tensors(
        file, _tensors({name: update.folded() for name, update in lora.updates.items()}, style), {"ltx_lora": note}
    )
    return file


def _tensors(updates: Mapping[str, LowRank], style: Style) -> dict[str, Tensor]:
    tensors = {}
    for module, update in updates.items():
        name = written(module, style)
        tensors[f"{name}.lora_A.weight"] = update.down
        tensors[f"{name}.lora_B.weight"] = update.up
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
