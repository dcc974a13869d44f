"""The conditioning card: what must cancel cancels, what must be seen is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters import ICLoRAConfig, LatentConfig, LoRAConfig, ModelPair, QueriesConfig, VLMFeatures, build_adapter
from foresight.errors import UserError
from foresight.evaluation.conditioning import (
    EARLIER,
    HEARD,
    INSTRUCTED_TEXT,
    MOVED,
    MOVED_BY_SEED,
    SAME,
    SITUATIONS,
    ConditioningBenchmark,
    half_hidden,
    situation,
)
from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser, future_velocity
from foresight.world.flow_error import flow_error
from foresight.world.sampling import Sampling
from foresight.world.variants import without_adapter
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded

PAIRING = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
EXTENT = (4.0, 64.0, 64.0)
LATENT = LatentConfig(pairing=PAIRING, width=16, heads=2, depth=1, extent=EXTENT, geometry=True)
ADDED = QueriesConfig(pairing=PAIRING, queries=4, width=16, heads=2, depth=1, extent=EXTENT, placement="add")
IC_LORA = ICLoRAConfig(PAIRING, 16, 2, 1, EXTENT, 0.0, LoRAConfig(2, ("attn1.to_q",), blocks=2, width=24))
Maker = Callable[..., WorldModel]


def benchmark(clips: int = 3) -> ConditioningBenchmark:
    return ConditioningBenchmark(
        clips=clips,
        filmed=2,
        physics=PhysicsConfig(),
        split="test",
        levels=[0.3, 0.9],
        noise_level=0.5,
        seed=0,
    )


def clips(count: int) -> tuple[Tensor, Tensor, list[str]]:
    found = [make_clip(seed, PhysicsConfig()) for seed in range(count)]
    video = torch.stack([clip.tensor for clip in found])
    return video[:, :, :9], video[:, :, 9:], [clip.instruction for clip in found]


def given_of(world: WorldModel, count: int = 2) -> tuple[ConditionedSequence, Any, Tensor, Tensor]:
    contexts, futures, told = clips(count)
    case = situation(world, SAME, contexts, futures, told)
    conditioning, given = world.condition(case.context, world.features(contexts, told), case.text, 2)
    return given, conditioning.forecast, case.future, draw_noise(case.future, seeded([0] * count))


def test_an_adapter_that_says_nothing_is_found_out(make_world: Maker) -> None:
    """A fresh adapter with a zero gate: every comparison of features is exactly zero, and the first line says so."""
    world = make_world(ADDED)
    fresh = build_adapter(ADDED).eval()
    world = replaced(world, fresh)
    found = benchmark()(world, lambda done, of: None)
    for name in SITUATIONS:
        for kind in ("another", "none"):
            assert found.figures[f"gain over {kind}, {name}"].value == 0
    assert next(iter(found.tables)).startswith("CONDITIONING DOES NOTHING")
    assert found.figures[MOVED].value == 0
    assert found.figures[MOVED_BY_SEED].value > 0
    # The text encoder does matter, and is measured without the adapter.
    assert found.figures[f"gain over another, {INSTRUCTED_TEXT}"].value != 0


def replaced(world: WorldModel, adapter: Any) -> WorldModel:
    return WorldModel(
        vae=world.vae,
        transformer=world.transformer,
        text_encoder=world.text_encoder,
        vlm=world.vlm,
        adapter=adapter,
        sampling_config=world.sampling_config,
    )


def test_features_that_matter_are_seen_to_matter(make_world: Maker) -> None:
    """With weights that are not zero another clip's features give another loss, with forecasts as with tokens."""
    found = benchmark()(make_world(), lambda done, of: None)
    assert found.figures[f"gain over another, {SAME}"].value != 0
    assert found.figures[f"gain over none, {HEARD}"].value != 0
    assert found.figures[MOVED].value > 0
    assert found.figures[f"gain over another, {SAME}"].clips == 3
    assert len(list(found.tables.values())[1]) == 2, "one row per noise level"


def test_the_loss_is_that_of_flow_matching(make_world: Maker) -> None:
    """Without a forecast: the mean squared error of the velocity ε − z at (1−σ)·z + σ·ε, clip by clip."""
    world = make_world(ADDED)
    given, forecast, future, noise = given_of(world)
    assert forecast is None
    times = torch.full(future.shape[:2], 0.3)
    velocity = future_velocity(world.transformer, given, 0.7 * future + 0.3 * noise, times)
    expected = (velocity - (noise - future)).square().mean(dim=(1, 2))
    found = flow_error(FutureDenoiser(world.transformer, given), future, noise, [0.3])
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_a_perfect_forecast_is_no_forecast(make_world: Maker) -> None:
    """The truth in the forecast's place gives the loss of flow matching; another forecast gives another."""
    world = make_world(LATENT)
    given, forecast, future, noise = given_of(world)
    perfect = replace(forecast, latents=future)
    denoise = FutureDenoiser(world.transformer, given)
    plain = flow_error(denoise, future, noise, [0.5])
    torch.testing.assert_close(flow_error(denoise, future, noise, [0.5], perfect), plain)
    assert not torch.allclose(flow_error(denoise, future, noise, [0.5], forecast), plain)


def test_the_video_model_alone_has_no_trace_of_the_adapter(make_world: Maker) -> None:
    """Inside, low-rank updates are off; outside they are on, as before."""
    world = make_world(IC_LORA)
    contexts, _, told = clips(1)
    adapted = world.predict_batch(contexts, told, 8)[0].latents
    plain = make_world(None).predict_batch(contexts, told, 8)[0].latents
    with without_adapter(world) as bare:
        assert torch.equal(bare.predict_batch(contexts, told, 8)[0].latents, plain)
    assert torch.equal(world.predict_batch(contexts, told, 8)[0].latents, adapted)
    assert not torch.equal(adapted, plain)


def test_half_the_picture_is_hidden() -> None:
    """Left of even clips, right of odd ones, in the colour that most of the picture has."""
    videos = torch.full((2, 3, 2, 64, 64), 0.25)
    videos[..., 10, 5], videos[..., 10, 60] = 1.0, -1.0
    hidden = half_hidden(videos)
    assert (hidden[0, ..., :32] == 0.25).all() and torch.equal(hidden[0, ..., 32:], videos[0, ..., 32:])
    assert (hidden[1, ..., 32:] == 0.25).all() and torch.equal(hidden[1, ..., :32], videos[1, ..., :32])


def test_what_only_the_vlm_saw(make_world: Maker) -> None:
    """The last frame alone is one latent frame, on a clock that starts with it; unheard text is the empty sentence."""
    world = make_world()
    contexts, futures, told = clips(2)
    earlier = situation(world, EARLIER, contexts, futures, told)
    assert earlier.context.shape[2] == 1 and earlier.future.shape[1] == 2 * 4 and earlier.time_offset == 1.0
    heard = situation(world, HEARD, contexts, futures, told)
    assert torch.equal(heard.text.embeddings, world.text(["", ""]).embeddings)
    assert torch.equal(heard.future, situation(world, SAME, contexts, futures, told).future)


def test_what_cannot_be_measured(make_world: Maker) -> None:
    """No adapter, a single clip, a level of zero, an unknown split."""
    with pytest.raises(UserError, match="with an adapter"):
        benchmark()(make_world(None), lambda done, of: None)
    with pytest.raises(ValueError, match="at least 2 clips"):
        benchmark(clips=1)
    fine = {"clips": 2, "filmed": 1, "physics": PhysicsConfig(), "noise_level": 0.5, "seed": 0}
    with pytest.raises(ValueError, match="noise levels"):
        ConditioningBenchmark(levels=[0.0], split="test", **fine)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a split out of"):
        ConditioningBenchmark(levels=[0.5], split="tests", **fine)  # type: ignore[arg-type]


def test_features_of_another_clip_are_the_next_ones(make_world: Maker) -> None:
    """Two clips swap: the other's loss of the first is the loss under the second's features."""
    world = make_world()
    seen: list[VLMFeatures] = []
    adapter = world.adapter
    assert adapter is not None
    handle = adapter.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    benchmark(clips=2)(world, lambda done, of: None)
    handle.remove()
    assert torch.equal(seen[1].tokens, seen[0].tokens.flip(0))


def test_movements_are_in_grey_levels(make_world: Maker) -> None:
    """Root mean square difference made by the adapter, and by another seed, mean over clips: 255 is black to white."""
    world = make_world(LATENT)
    card = benchmark(clips=2)
    figures = card(world, lambda done, of: None).figures
    made = [make_clip(SPLITS["test"] + index, PhysicsConfig()) for index in range(2)]
    contexts, told = torch.stack([clip.tensor[:, :9] for clip in made]), [clip.instruction for clip in made]

    def film(model: WorldModel, level: float, seed: int) -> Tensor:
        drawn = model.predict_batch(contexts, told, 16, Sampling(noise_level=level, seed=seed))
        return torch.stack([prediction.video[0] for prediction in drawn])

    with without_adapter(world) as bare:
        plain, again = film(bare, 1.0, 0), film(bare, 1.0, 1)
    for name, other in ((MOVED, film(world, 0.5, 0)), (MOVED_BY_SEED, again)):
        levels = (255 / 2 * (other - plain)).square().flatten(1).mean(dim=1).sqrt().mean()
        assert figures[name].value == pytest.approx(float(levels), rel=1e-4)
