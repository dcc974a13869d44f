"""Before its first step an adapter that starts at zero leaves the predicted video bit-identical."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adapters import (
    ComposeConfig,
    Conditioning,
    ICLoRAAdapter,
    ICLoRAConfig,
    LatentConfig,
    LoRAConfig,
    ModelPair,
    QueriesConfig,
    build_adapter,
)
from adapters.lora import SIZES
from foresight.physics import make_clip
from foresight.physics.clip import SPLITS
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser
from foresight.world.flow_error import flow_error
from foresight.world.world_model import WorldModel
from ltx.shapes import LatentShape, coordinates, to_tokens

PAIRING = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
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
        sampling_config=trained.sampling_config,
    ).predict(clip[:, :9], "wait", 24, candidates=2)
    assert torch.equal(fresh.latents, alone.latents) and torch.equal(fresh.video, alone.video)
    moved = trained.predict(clip[:, :9], "wait", 24, candidates=2)
    assert torch.equal(moved.latents, alone.latents) == (config is LATENT), "weights that moved must show"


@pytest.mark.parametrize("target", SIZES)
def test_a_prediction_hears_the_low_rank_updates(
    make_world: Callable[..., WorldModel], clip: Tensor, target: str
) -> None:
    """An `ic_lora` whose LoRA moved predicts another video than with its LoRA at zero, on every layer it may update.

    At zero it predicts, bit for bit, what it predicts without the LoRA attached.
    """
    config = ICLoRAConfig(PAIRING, 16, 2, 1, EXTENT, 0.0, LoRAConfig(2, (target,), blocks=2, width=24))
    world = make_world(config)
    assert isinstance(world.adapter, ICLoRAAdapter)
    for _, update in world.adapter.lora.named_updates():
        torch.nn.init.normal_(update.lora_B.weight, generator=torch.Generator().manual_seed(0))
    heard = world.predict(clip[:, :9], "wait", 16)
    for _, update in world.adapter.lora.named_updates():
        torch.nn.init.zeros_(update.lora_B.weight)
    zeroed = world.predict(clip[:, :9], "wait", 16)
    assert not torch.allclose(heard.video, zeroed.video, atol=1e-3)
    world.adapter.detach()
    assert torch.equal(world.predict(clip[:, :9], "wait", 16).video, zeroed.video)


def test_a_world_does_not_hear_anothers_low_rank_updates(make_world: Callable[..., WorldModel]) -> None:
    """A transformer that computes with an adapter's LoRA is refused to another world model until it is detached."""
    config = ICLoRAConfig(PAIRING, 16, 2, 1, EXTENT, 0.0, LoRAConfig(2, ("attn1.to_v",), blocks=2, width=24))
    world = make_world(config)

    def alone() -> WorldModel:
        return WorldModel(
            vae=world.vae,
            transformer=world.transformer,
            text_encoder=world.text_encoder,
            vlm=None,
            adapter=None,
            sampling_config=world.sampling_config,
        )

    with pytest.raises(ValueError, match="detach"):
        alone()
    assert world.adapter is not None
    world.adapter.detach()
    alone()


@torch.no_grad()
def test_fresh_reference_tokens_hardly_change_what_the_embedded_model_predicts() -> None:
    """Before the first step of `ic_lora` the flow loss is within 15 % of that of the video model alone.

    Random projections of all vision tokens, in places of their own, took it from 0.27 to 2.1 at σ = 0.5.
    """
    world = WorldModel.from_pretrained("foresight-tiny")
    assert world.adapter is not None and world.vlm is not None
    clips = [make_clip(SPLITS["test"] + number) for number in range(8)]
    told, video = [clip.instruction for clip in clips], torch.stack([clip.tensor for clip in clips])
    latents = world.vae.encode(video)
    places = coordinates(LatentShape.of(latents), frame_rate=world.sampling_config.frame_rate)[None].expand(
        len(clips), -1, -1
    )
    features = world.vlm.encode(video[:, :, :9].contiguous(), told, frame_rate=world.sampling_config.frame_rate)
    transformer = world.transformer.config
    lora = LoRAConfig(
        2, ("attn1.to_q",), transformer.num_layers, transformer.num_attention_heads * transformer.attention_head_dim
    )
    config = ICLoRAConfig(world.adapter.pairing, 16, 2, 1, EXTENT, 0.0, lora)
    world.adapter.detach()

    known, tokens = 8, to_tokens(latents)
    noise = torch.randn(tokens[:, known:].shape, generator=torch.Generator().manual_seed(0))

    def loss(conditioning: Conditioning) -> Tensor:
        given = ConditionedSequence.of(tokens[:, :known], places, world.text_encoder.encode(told), conditioning)
        denoise = FutureDenoiser(world.transformer, given)
        return flow_error(denoise, tokens[:, known:], noise, (0.3, 0.5, 0.7, 0.9)).mean()

    fresh = build_adapter(config)(features, places[:, :, known:])
    assert fresh.reference is not None
    assert loss(fresh) < 1.15 * loss(Conditioning())
    shuffled = replace(fresh.reference, changes=torch.randn_like(fresh.reference.changes))
    assert loss(Conditioning(reference=shuffled)) > 1.15 * loss(Conditioning()), "the tokens must be seen"
