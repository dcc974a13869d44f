"""Before its first step an adapter that starts at zero leaves the predicted video bit-identical."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from adapters import ComposeConfig, ICLoRAConfig, LatentConfig, LoRAConfig, Pairing, QueriesConfig, build_adapter
from foresight.world_model import WorldModel

PAIRING = Pairing("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
EXTENT = (4.0, 64.0, 64.0)
LATENT = LatentConfig(pairing=PAIRING, width=16, heads=2, depth=1, extent=EXTENT, geometry=True)
ADDED = QueriesConfig(pairing=PAIRING, queries=4, width=16, heads=2, depth=1, extent=EXTENT, placement="add")


@pytest.mark.parametrize("config", [ADDED, LATENT, ComposeConfig((LATENT, ADDED))], ids=["queries", "latent", "both"])
def test_a_fresh_adapter_changes_no_bit(make_world: Callable[..., WorldModel], clip: Tensor, config: object) -> None:
    """Latents and video of two chunks from pure noise equal those of the video model alone."""
    trained = make_world(config)
    alone = make_world(None).predict(clip[:, :9], "wait", 24, candidates=2)
    torch.manual_seed(9)
    fresh = WorldModel(
        vae=trained.vae,
        transformer=trained.transformer,
        text_encoder=trained.text_encoder,
        vlm=trained.vlm,
        adapter=build_adapter(config),
        plan=trained.plan,
    ).predict(clip[:, :9], "wait", 24, candidates=2)
    assert torch.equal(fresh.latents, alone.latents) and torch.equal(fresh.video, alone.video)
    moved = trained.predict(clip[:, :9], "wait", 24, candidates=2)
    assert torch.equal(moved.latents, alone.latents) == (config is LATENT), "weights that moved must show"


def test_fresh_low_rank_updates_change_no_bit(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """The LoRA of `ic_lora` starts at zero: only its reference tokens, which stand in the sequence, are seen."""
    config = ICLoRAConfig(PAIRING, 16, 0.0, LoRAConfig(2, ("attn1.to_q", "ff.net.2"), blocks=2, width=24))
    alone = make_world(None)
    expected = alone.predict(clip[:, :9], "wait", 16).latents
    build_adapter(config).attach(alone.transformer)
    assert torch.equal(alone.predict(clip[:, :9], "wait", 16).latents, expected)
