"""Putting a LoRA on a model and taking it off again: beside the weights through PEFT, or merged into them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError
from ltx.lora.record import LoRA, LowRank

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
"""The layers that LoRAs of this transformer train, by the end of their name; IC-LoRAs train both groups."""


def create(model: nn.Module, *, rank: int, alpha: float, targets: Sequence[str], name: str = "default") -> None:
    """Put a new LoRA on a model to train: its second factor is zero, so the model's output is unchanged.

    Args:
        model: changed in place. Which base parameters train is left as it was.
        rank: of every update.
        alpha: strength; updates are scaled by alpha / rank.
        targets: ends of the names of linear layers, such as `ATTENTION`.
        name: of the LoRA on this model.

    Raises:
        CheckpointError: if the name is taken, or no layer's name ends so.
    """
    wanted = [
        module_name
        for module_name, module in model.named_modules()
        if isinstance(module, (nn.Linear, LoraLayer)) and any(_ends(module_name, target) for target in targets)
    ]
    if not wanted:
        raise CheckpointError(f"expected linear layers whose names end in one of {list(targets)}, found none")
    _inject(model, _config({module_name: (rank, alpha) for module_name in wanted}), name)


def attach(model: nn.Module, lora: LoRA, *, name: str = "default", strength: float = 1.0) -> None:
    """Put a LoRA on a model, beside the weights, which stay as they are; several may be attached at once.

    Args:
        model: changed in place: the updated layers become PEFT layers.
        lora: the updates, cast to the type of the weights they belong to.
        name: of the LoRA on this model.
        strength: factor of the whole update.

    Raises:
        CheckpointError: if the name is taken, or the LoRA is for another model.
    """
    lora.check(model)
    _inject(model, _config({module: (update.rank, update.alpha) for module, update in lora.updates.items()}), name)
    with torch.no_grad():
        for module_name, update in lora.updates.items():
            layer: Any = model.get_submodule(module_name)
            layer.lora_A[name].weight.copy_(update.down)
            layer.lora_B[name].weight.copy_(update.up)
            layer.scaling[name] = strength * update.alpha / update.rank


def extract(model: nn.Module, *, name: str = "default") -> LoRA:
    """The LoRA attached or created under a name, as it is now; a strength given when attaching is not part of it.

    Raises:
        CheckpointError: if there is none of that name.
    """
    updates = {
        module_name: LowRank(
            layer.lora_A[name].weight.detach().clone(),
            layer.lora_B[name].weight.detach().clone(),
            float(layer.lora_alpha[name]),
        )
        for module_name, layer in _layers(model, name).items()
    }
    return LoRA(updates)


def detach(model: nn.Module, *, name: str = "default") -> None:
    """Take a LoRA off. When the last one is off, the model is bit for bit what it was before.

    Raises:
        CheckpointError: if there is none of that name.
    """
    for module_name, layer in _layers(model, name).items():
        layer.delete_adapter(name)
        if not layer.lora_A:
            parent, _, child = module_name.rpartition(".")
            setattr(model.get_submodule(parent), child, layer.get_base_layer())
        else:
            layer.set_adapter(list(layer.lora_A))
    configs = getattr(model, "peft_config", {})
    configs.pop(name, None)
    if not configs:
        for attribute in ("peft_config", "_hf_peft_config_loaded"):
            if hasattr(model, attribute):
                delattr(model, attribute)


@dataclass(frozen=True)
class Merged:
    """A LoRA added into the weights, with the weights as they were; dropping this frees them."""

    model: nn.Module
    originals: dict[str, Tensor]

    def undo(self) -> None:
        """Put the weights back, bit for bit."""
        with torch.no_grad():
            for module, original in self.originals.items():
                self.model.get_submodule(module).get_parameter("weight").copy_(original)


def merge(model: nn.Module, lora: LoRA, *, strength: float = 1.0) -> Merged:
    """Add a LoRA into the weights: no cost per step afterwards, and the model can be saved as one.

    The sum is made in float32 and rounded once to the type of the weights.

    Raises:
        CheckpointError: if the LoRA is for another model, or another one is attached to the layers it updates.
    """
    lora.check(model)
    if any(isinstance(model.get_submodule(module), LoraLayer) for module in lora.updates):
        raise CheckpointError("a LoRA is attached to layers that this one updates; detach it before merging")
    originals = {}
    with torch.no_grad():
        for module, update in lora.updates.items():
            weight = model.get_submodule(module).get_parameter("weight")
            originals[module] = weight.detach().clone()
            weight.copy_(weight.float() + strength * update.delta.to(weight.device))
    return Merged(model, originals)


def _config(sizes: Mapping[str, tuple[int, float]]) -> LoraConfig:
    """PEFT's configuration of updates with a rank and an alpha each."""
    rank, alpha = next(iter(sizes.values()))
    fields: dict[str, Any] = {
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {f"^{re.escape(module)}": size[0] for module, size in sizes.items()},
        "alpha_pattern": {f"^{re.escape(module)}": size[1] for module, size in sizes.items()},
        "target_modules": list(sizes),
        "lora_dropout": 0.0,
    }
    return LoraConfig(**fields)


def _inject(model: nn.Module, config: LoraConfig, name: str) -> None:
    """Let PEFT replace the layers, and keep which base parameters train and which LoRAs are on."""
    if name in getattr(model, "peft_config", {}):
        raise CheckpointError(f"a LoRA named {name!r} is attached already; detach it or choose another name")
    trains = {id(parameter): parameter.requires_grad for parameter in model.parameters()}
    with warnings.catch_warnings():
        # Several adapters on one model are meant.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        inject_adapter_in_model(config, model, adapter_name=name)
    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.set_adapter(list(module.lora_A))
    for parameter in model.parameters():
        parameter.requires_grad_(trains.get(id(parameter), True))


def _layers(model: nn.Module, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        module_name: module
        for module_name, module in model.named_modules()
        if isinstance(module, LoraLayer) and name in module.lora_A
    }
    if not found:
        raise CheckpointError(f"no LoRA named {name!r} is attached to this model")
    return found


def _ends(module: str, target: str) -> bool:
    return module == target or module.endswith(f".{target}")
