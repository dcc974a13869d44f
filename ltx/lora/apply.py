"""Putting a LoRA on a model and taking it off again: beside the weights of its layers, or merged into them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.lora.layer import LowRankUpdate, UpdatedLinear
from ltx.lora.modules import modules_of, parameters_of
from ltx.lora.record import LoRA, LowRank
from ltx.offload import at_rest, dtype_of
from ltx.offload.float8 import STORED
from ltx.offload.room import lodging_of
from ltx.values import is_finite

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
    wanted = {
        module_name: module
        for module_name, module in modules_of(model).items()
        if isinstance(module, nn.Linear) and any(_ends(module_name, target) for target in targets)
    }
    at_rest(model)
    if not wanted:
        raise CheckpointError(f"expected linear layers whose names end in one of {list(targets)}, found none")
    updates = {
        module_name: _like(
            layer, LowRankUpdate(inputs=layer.in_features, outputs=layer.out_features, rank=rank, alpha=alpha), model
        )
        for module_name, layer in wanted.items()
    }
    _put(model, updates, name, owned=True)


def attach(model: nn.Module, lora: LoRA, *, name: str = "default", strength: float = 1.0) -> None:
    """Put a LoRA on a model, beside the weights, which stay as they are; several may be attached at once.

    Args:
        model: changed in place: the updated layers become `UpdatedLinear`.
        lora: the updates, cast to the type of the weights they belong to.
        name: of the LoRA on this model.
        strength: factor of the whole update.

    Raises:
        CheckpointError: if the name is taken, the LoRA is for another model, it has whole differences, or the
            strength is not finite.
    """
    lora.check(model)
    if lora.differences:
        raise CheckpointError(
            f"this LoRA has whole differences ({listed(lora.differences)}), which cannot lie beside the weights; "
            "merge it instead"
        )
    if not math.isfinite(strength):
        raise CheckpointError(f"expected a finite strength, got {strength}")
    at_rest(model)
    modules, updates = modules_of(model), {}
    for module_name, one in lora.updates.items():
        (rank, inputs), outputs = one.down.shape, one.up.shape[0]
        update = LowRankUpdate(inputs=inputs, outputs=outputs, rank=rank, alpha=one.alpha, strength=strength)
        with torch.no_grad():
            update.lora_A.weight.copy_(one.down)
            update.lora_B.weight.copy_(one.up)
        updates[module_name] = _like(modules[module_name], update, model)
    _put(model, updates, name, owned=True)


def lend(model: nn.Module, updates: Mapping[str, LowRankUpdate], *, name: str) -> None:
    """Let a model compute with updates that belong to somebody else, until they are detached.

    They train, move and are saved with their owner; the model's own keys and parameters stay as they are.

    Args:
        model: changed in place.
        updates: by the name of the layer.
        name: of the LoRA on this model.

    Raises:
        CheckpointError: if the name is taken, or an update fits no layer of the model.
    """
    LoRA({module_name: _record(update) for module_name, update in updates.items()}).check(model)
    _put(model, updates, name, owned=False)


def attached(model: nn.Module) -> tuple[str, ...]:
    """The names of the LoRAs that a model computes with, in the order in which they came."""
    return tuple(dict.fromkeys(name for layer in _updated(model).values() for name in layer.updates))


def extract(model: nn.Module, *, name: str = "default") -> LoRA:
    """The LoRA on a model under a name, as it is now; a strength given when attaching is not part of it.

    Raises:
        CheckpointError: if there is none of that name.
    """
    updates = {}
    for module_name, layer in _layers(model, name).items():
        now = _record(layer.updates[name])
        updates[module_name] = LowRank(now.down.clone(), now.up.clone(), now.alpha)
    return LoRA(updates)


def detach(model: nn.Module, *, name: str = "default") -> None:
    """Take a LoRA off. When the last one is off, the model is bit for bit what it was before.

    Raises:
        CheckpointError: if there is none of that name.
    """
    for module_name, layer in _layers(model, name).items():
        layer.take(name)
        if not layer.updates:
            _replace(model, module_name, layer.base)


def put_on(model: nn.Module, lora: LoRA) -> None:
    """Let a model compute with a LoRA for good, in the way that fits where its weights are.

    Merged, it costs nothing per step; weights that rest in a memory-mapped file, or are stored in eight bits, stay as
    they are, and the LoRA lies beside them.

    Raises:
        CheckpointError: if the LoRA is for another model, or has whole differences for weights in eight bits.
    """
    if (lodging_of(model) is None and all(map(_whole, model.parameters()))) or lora.differences:
        merge(model, lora)
    else:
        attach(model, lora)


@dataclass(frozen=True)
class Merged:
    """A LoRA added into the weights, with the weights as they were; dropping this frees them."""

    model: nn.Module
    originals: dict[str, Tensor]

    def undo(self) -> None:
        """Put the weights back, bit for bit."""
        at_rest(self.model)
        with torch.no_grad():
            parameters = parameters_of(self.model)
            for name, original in self.originals.items():
                parameters[name].copy_(original)


def merge(model: nn.Module, lora: LoRA, *, strength: float = 1.0) -> Merged:
    """Add a LoRA into the weights: no cost per step afterwards, and the model can be saved as one.

    The sum is made in float32 and rounded once to the type of the weights.

    Raises:
        CheckpointError: if the LoRA is for another model, another one is attached to the layers it updates (one that an
            adapter lends is not in the way), the weights are stored in float8, or a sum is beyond the type of the
            weights; they stay as they were.
    """
    lora.check(model)
    at_rest(model)
    modules, parameters = modules_of(model), parameters_of(model)
    if any(isinstance(layer, UpdatedLinear) and layer.owned for layer in map(modules.__getitem__, lora.updates)):
        raise CheckpointError("a LoRA is attached to layers that this one updates; detach it before merging")
    originals: dict[str, Tensor] = {}
    with torch.no_grad():
        names = [*(f"{module}.weight" for module in lora.updates), *lora.differences]
        if not all(_whole(parameters[name]) for name in names):
            raise CheckpointError(
                "weights stored in eight bits would round a LoRA away; attach it instead of merging it"
            )
        for name in names:
            originals.setdefault(name, parameters[name].detach().clone())
        merged = Merged(model, originals)
        for name, original in originals.items():
            total = original.float()
            if (update := lora.updates.get(name.removesuffix(".weight"))) is not None:
                total = total + strength * update.delta.to(total.device)
            if (difference := lora.differences.get(name)) is not None:
                total = total + strength * difference.float().to(total.device)
            parameter = parameters[name]
            parameter.copy_(total)
            if not is_finite(parameter):
                merged.undo()
                raise CheckpointError(
                    f"{name} would hold NaN or infinity with this LoRA at strength {strength} in {parameter.dtype}; "
                    "the weights are as they were"
                )
    return merged


def _whole(weight: nn.Parameter) -> bool:
    """True if a weight is stored in numbers that a sum can be rounded to: not in eight bits, nor by torchao."""
    return type(weight) is nn.Parameter and weight.dtype is not STORED


def _put(model: nn.Module, updates: Mapping[str, LowRankUpdate], name: str, *, owned: bool) -> None:
    """Put updates that fit beside their layers."""
    if name in attached(model):
        raise CheckpointError(f"a LoRA named {name!r} is attached already; detach it or choose another name")
    modules = modules_of(model)
    layers = {module_name: modules[module_name] for module_name in updates}
    if other := [module_name for module_name, layer in layers.items() if not isinstance(layer, nn.Linear)]:
        raise CheckpointError(f"the LoRA updates modules that are no linear layers: {listed(other)}")
    for module_name, layer in layers.items():
        if not isinstance(layer, UpdatedLinear):
            assert isinstance(layer, nn.Linear)
            layer = UpdatedLinear(layer)
            _replace(model, module_name, layer)
        layer.put(name, updates[module_name], owned=owned)


def _replace(model: nn.Module, module_name: str, layer: nn.Module) -> None:
    parent, _, child = module_name.rpartition(".")
    setattr(modules_of(model)[parent], child, layer)


def _updated(model: nn.Module) -> dict[str, UpdatedLinear]:
    return {name: module for name, module in modules_of(model).items() if isinstance(module, UpdatedLinear)}


def _layers(model: nn.Module, name: str) -> dict[str, UpdatedLinear]:
    found = {module_name: layer for module_name, layer in _updated(model).items() if name in layer.updates}
    if not found:
        raise CheckpointError(f"no LoRA named {name!r} is attached to this model")
    return found


def _record(update: LowRankUpdate) -> LowRank:
    return LowRank(update.lora_A.weight.detach(), update.lora_B.weight.detach(), update.alpha)


def _like(layer: nn.Module, update: LowRankUpdate, model: nn.Module) -> LowRankUpdate:
    """The update where the layer's weight is, in its type; for an offloaded model in the type that it works in."""
    weight = layer.get_parameter("weight")
    dtype = weight.dtype if lodging_of(model) is None else dtype_of(model)
    return update.to(device=weight.device, dtype=dtype)


def _ends(module: str, target: str) -> bool:
    return module == target or module.endswith(f".{target}")
