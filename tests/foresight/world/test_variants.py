"""World models with other parts than their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adapters import ICLoRAConfig, LoRAConfig, save_adapter
from foresight.world.variants import adapted_world_model, without_adapter
from foresight.world.world_model import WorldModel

PUSH = "the red ball is pushed up"


def test_a_plan_is_replaced_and_the_networks_are_shared(world: WorldModel, clip: Tensor) -> None:
    """The same networks with another number of steps; the first model's own stays."""
    fewer = world.replace(sampling_config=replace(world.sampling_config, steps=1))
    assert fewer.transformer is world.transformer and fewer.adapter is world.adapter
    assert world.sampling_config.steps != 1 and fewer.sampling_config.steps == 1
    assert fewer.predict(clip[:, :9], PUSH, 8).steps == 1


def test_parts_that_do_not_fit_are_refused_and_nothing_is_changed(world: WorldModel, clip: Tensor) -> None:
    """Without its adapter's VLM no model is made, and the one before still predicts as it did."""
    before = world.predict(clip[:, :9], PUSH, 8)
    with pytest.raises(ValueError, match="one of them"):
        world.replace(vlm=None)
    assert torch.equal(world.predict(clip[:, :9], PUSH, 8).video, before.video)


def test_an_adapters_updates_move_with_it(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """A model whose adapter changes the transformer predicts the same after a replacement, and bare without it."""
    known = make_world().adapter
    assert known is not None
    updates = LoRAConfig(2, ("attn1.to_v",), blocks=2, width=24)
    lora = make_world(ICLoRAConfig(known.pairing, 16, 2, 1, (3, 2, 2), 0.0, updates))
    first = lora.predict(clip[:, :9], PUSH, 8)
    moved = lora.replace(sampling_config=lora.sampling_config)
    assert torch.equal(moved.predict(clip[:, :9], PUSH, 8).video, first.video)
    with without_adapter(moved) as bare:
        plain = bare.predict(clip[:, :9], PUSH, 8)
    assert not torch.equal(plain.latents, first.latents)
    assert torch.equal(moved.predict(clip[:, :9], PUSH, 8).video, first.video)


def test_a_folder_with_another_adapter_is_that_world(world: WorldModel, clip: Tensor, tmp_path: Path) -> None:
    """`model=adapted` reads a world model and joins it with an adapter of its own folder."""
    world.save_pretrained(tmp_path / "world")
    assert world.adapter is not None
    save_adapter(world.adapter, tmp_path / "other")
    joined = adapted_world_model(where=tmp_path / "world", adapter=tmp_path / "other")
    expected = WorldModel.from_pretrained(tmp_path / "world").predict(clip[:, :9], PUSH, 8)
    assert torch.equal(joined.predict(clip[:, :9], PUSH, 8).video, expected.video)
