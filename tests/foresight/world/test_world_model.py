"""Predictions of the world model: reproducible, independent of batching, and by the textbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters import LinearConfig, ModelPair
from foresight.errors import UserError
from foresight.world.denoiser import ConditionedSequence, future_velocity
from foresight.world.rollout import UNKNOWN_ERROR
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import LatentShape, from_tokens

PUSH = "the red ball is pushed up"
STILL = "nothing is pushed"


def close(a, b):
    return torch.allclose(a, b, atol=2e-5)


def test_the_same_seed_gives_the_same_video_bit_by_bit(world: WorldModel, clip: Tensor) -> None:
    """Predicting twice gives equal bits; another seed gives another video."""
    first = world.predict(clip[:, :9], PUSH, 16, seed=3)
    again = world.predict(clip[:, :9], PUSH, 16, seed=3)
    other = world.predict(clip[:, :9], PUSH, 16, seed=4)
    assert torch.equal(first.video, again.video) and torch.equal(first.latents, again.latents)
    assert not close(first.latents, other.latents)


def test_candidate_i_is_what_its_own_seed_gives_alone(world: WorldModel, clip: Tensor) -> None:
    """Three candidates at once equal three predictions with seeds 5, 6 and 7."""
    together = world.predict(clip[:, :9], PUSH, 24, candidates=3, seed=5)
    for row in range(3):
        alone = world.predict(clip[:, :9], PUSH, 24, seed=5 + row)
        assert close(together.video[row], alone.video[0])
        assert close(together.latents[row], alone.latents[0])


@pytest.mark.parametrize("noise_level", [1.0, 0.5, 0.0, "auto"])
def test_clips_in_a_batch_are_predicted_as_if_alone(world: WorldModel, clip: Tensor, noise_level: Any) -> None:
    """A batch of different clips and instructions equals each clip by itself, on every route."""
    contexts = torch.stack([clip[:, :9], clip[:, 8:17].flip(-1)])
    sentences = [PUSH, STILL]
    batch = world.predict_batch(contexts, sentences, 16, Sampling(2, noise_level, seed=1))
    for row, sentence in enumerate(sentences):
        alone = world.predict(contexts[row], sentence, 16, candidates=2, seed=1, noise_level=noise_level)
        assert close(batch[row].video, alone.video)
        assert batch[row].instruction == sentence
        assert batch[row].noise_level == pytest.approx(alone.noise_level, abs=1e-5)
        assert batch[row].evaluations == alone.evaluations


def test_longer_horizons_begin_like_shorter_ones(world: WorldModel, clip: Tensor) -> None:
    """The first frames do not depend on how many are asked for, within a chunk and across chunks."""
    long = world.predict(clip[:, :9], PUSH, 40, seed=2)
    assert long.video.shape == (1, 3, 40, 64, 64) and long.latents.shape[2] == 5
    for horizon in (1, 8, 16, 17):
        short = world.predict(clip[:, :9], PUSH, horizon, seed=2)
        assert short.video.shape[2] == horizon
        assert close(short.video, long.video[:, :, :horizon])


def test_a_later_chunk_is_what_its_last_frames_alone_would_give(
    make_world: Callable[..., WorldModel], clip: Tensor
) -> None:
    """The context of the second chunk is a clip of its own, the last nine imagined frames, its first latent one frame.

    Without noise anywhere, the second chunk equals a prediction that starts from those frames; and that context is
    encoded causally: its first latent is that of its first frame alone.
    """
    world = make_world(sampling=replace(make_world().sampling_config, carried_noise=0.0, decode_noise=0.0))
    long = world.predict(clip[:, :9], PUSH, 32, noise_level=0.0)
    recent = long.video[0, :, 7:16]
    again = world.predict(recent, STILL, 16, noise_level=0.0)
    assert close(long.video[:, :, 16:], again.video) and close(long.latents[:, :, 2:], again.latents)
    assert close(again.context_latents[:, :1], world.encode(recent[None, :, :1])[0])


def test_carried_noise_changes_later_chunks_only(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """The named option against drift leaves the first chunk as it is."""
    clean = make_world(sampling=replace(make_world().sampling_config, carried_noise=0.0, decode_noise=0.0))
    noisy = make_world(sampling=replace(clean.sampling_config, carried_noise=0.3))
    one, other = (model.predict(clip[:, :9], PUSH, 24) for model in (clean, noisy))
    assert close(one.video[:, :, :16], other.video[:, :, :16])
    assert not close(one.latents[:, :, 2:], other.latents[:, :, 2:])


def test_the_video_stays_in_range_and_depends_on_instruction_and_context(world: WorldModel, clip: Tensor) -> None:
    """Frames lie in [−1, 1]; another instruction, or other frames, change them."""
    one = world.predict(clip[:, :9], PUSH, 8)
    assert float(one.video.abs().max()) <= 1
    assert not close(one.latents, world.predict(clip[:, :9], STILL, 8).latents)
    assert not close(one.latents, world.predict(clip[:, :9].flip(-1), PUSH, 8).latents)


def test_the_video_model_sees_the_last_context_frames_only(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """Without VLM a longer context changes nothing: the model's last nine frames are given."""
    alone = make_world(adapter=None)
    long = alone.predict(clip[:, :17], PUSH, 8)
    short = alone.predict(clip[:, 8:17], PUSH, 8)
    assert torch.equal(long.video, short.video)
    assert torch.equal(long.context, clip[:, 8:17])


def test_the_vlm_clock_starts_with_the_video_models_context(world: WorldModel, clip: Tensor) -> None:
    """Eight earlier frames at 8 frames a second move the vision tokens one second back, and text tokens not."""
    long = world.features(clip[None, :, :17], [PUSH])
    raw = world.vlm.encode(clip[None, :, :17], [PUSH], frame_rate=8.0)
    moved = long.coordinates - raw.coordinates
    assert torch.equal(moved[:, 0][long.vision], torch.full_like(moved[:, 0][long.vision], -1.0))
    assert not moved[:, 1:].any() and not moved[:, 0][~long.vision].any()
    assert torch.equal(long.patch_coordinates[:, 0], raw.patch_coordinates[:, 0] - 1)


def test_guidance_is_the_textbook_formula(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """Scale 3 equals a hand-written loop over v₋ + 3·(v₊ − v₋), with neither words nor adapter in v₋."""
    plain = make_world()
    guided = make_world(sampling=replace(plain.sampling_config, guidance=3.0))
    got = guided.predict(clip[:, :9], PUSH, 16, seed=9)

    with torch.no_grad():
        context = guided.encode(clip[None, :, :9])
        features = guided.features(clip[None, :, :9], [PUSH])
        _, problem = guided.condition(context, features, guided.text([PUSH]), 2)
        empty = guided.text([""])
        bare = ConditionedSequence(problem.latents, 0.0, problem.coordinates, empty.embeddings, empty.mask, None)
        tokens = draw_noise(torch.empty(1, 8, 8), seeded([9]))
        times = [1.0, 2 / 3, 1 / 3, 0.0]
        for now, then in pairwise(times):
            told = torch.full((1, 8), now)
            positive = future_velocity(guided.transformer, problem, tokens, told)
            negative = future_velocity(guided.transformer, bare, tokens, told)
            tokens = tokens + (then - now) * (negative + 3 * (positive - negative))
    assert torch.allclose(got.latents, from_tokens(tokens, LatentShape(2, 2, 2)), atol=1e-4)
    assert got.evaluations == 6
    unguided = plain.predict(clip[:, :9], PUSH, 16, seed=9)
    assert unguided.evaluations == 3 and not close(unguided.latents, got.latents)


def test_the_noise_level_chooses_the_route(world: WorldModel, clip: Tensor) -> None:
    """At the decoder's level the forecast is decoded as it is, between it is refined in fewer steps, at 1 unused."""
    context = world.encode(clip[None, :, :9])
    with torch.no_grad():
        features = world.features(clip[None, :, :9], [PUSH])
        conditioning, _ = world.condition(context, features, world.text([PUSH]), 2)
    forecast = from_tokens(conditioning.forecast.latents, LatentShape(2, 2, 2))

    decoded = world.predict(clip[:, :9], PUSH, 16, noise_level=0.05)
    assert decoded.evaluations == 0 and close(decoded.latents, forecast)
    assert torch.equal(world.predict(clip[:, :9], PUSH, 16, noise_level=0).latents, decoded.latents)
    refined = world.predict(clip[:, :9], PUSH, 16, noise_level=0.5)
    assert refined.evaluations == 2 and refined.noise_level == 0.5
    assert not close(refined.latents, forecast)
    assert world.predict(clip[:, :9], PUSH, 16).evaluations == 3
    assert world.predict(clip[:, :9], PUSH, 40, steps=5).evaluations == 15


def test_auto_enters_at_the_error_the_adapter_expects(world: WorldModel, clip: Tensor) -> None:
    """ "auto" is the root of the mean variance, at least the decoder's level, at most 1."""
    context = world.encode(clip[None, :, :9])
    with torch.no_grad():
        features = world.features(clip[None, :, :9], [PUSH])
        conditioning, _ = world.condition(context, features, world.text([PUSH]), 2)
    expected = conditioning.forecast.log_variance.exp().mean().sqrt().clamp(0.05, 1)
    got = world.predict(clip[:, :9], PUSH, 16, noise_level="auto").noise_level
    assert got == pytest.approx(float(expected), abs=1e-5)


def test_a_forecast_is_needed_below_pure_noise(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """A model without adapter refuses to refine what it does not have, and predicts from noise if nobody says."""
    with pytest.raises(UserError, match="forecast"):
        make_world(adapter=None).predict(clip[:, :9], PUSH, 8, noise_level=0.5)
    alone = make_world(adapter=None).predict(clip[:, :9], PUSH, 8)
    assert alone.noise_level == 1.0 and alone.conditions == ()


def test_a_prediction_says_what_the_adapter_had_a_say_in(world: WorldModel, clip: Tensor) -> None:
    """At pure noise the context tokens alone, below it the forecast too; the default lets the forecast speak."""
    predicted = {level: world.predict(clip[:, :9], PUSH, 8, noise_level=level) for level in (1.0, 0.5, "auto")}
    assert predicted[1.0].conditions == ("context",)
    assert predicted[0.5].conditions == ("forecast", "context")
    assert ("forecast" in predicted["auto"].conditions) == (predicted["auto"].noise_level < 1)
    assert torch.equal(world.predict(clip[:, :9], PUSH, 8).video, predicted["auto"].video)


def test_a_forecast_of_unknown_error_still_has_a_say(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """An adapter that does not know its error enters below pure noise, and its forecast changes the video."""
    pairing = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
    adapter = LinearConfig(pairing=pairing, bandwidth=(0.5, 16.0, 16.0))
    found = make_world(adapter=adapter).predict(clip[:, :9], PUSH, 8)
    assert found.noise_level == UNKNOWN_ERROR and found.conditions == ("forecast",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"context": lambda c: c.clone().fill_(torch.nan)}, "NaN"),
        ({"context": lambda c: (c + 1) * 127.5}, r"observed frames in \[-1, 1\]"),
        ({"context": lambda c: c[:2]}, "clips"),
        ({"context": lambda c: c[0]}, "clips"),
        ({"context": lambda c: c[:, :, :33]}, "multiple of 32"),
        ({"context": lambda c: c[:, :5]}, "frames"),
        ({"candidates": 0}, "candidates"),
        ({"noise_level": 2}, "noise level"),
        ({"noise_level": float("nan")}, "noise level"),
        ({"noise_level": "some"}, "noise level"),
        ({"steps": 0}, "steps"),
        ({"horizon": 0}, "horizon"),
        ({"instruction": "  "}, "instruction"),
    ],
)
def test_wrong_input_is_refused_in_words(world: WorldModel, clip: Any, change: Any, said: str) -> None:
    """NaN, wrong shapes, and numbers out of range raise an error that names what is wrong."""
    given = {"context": clip[:, :9], "instruction": PUSH, "horizon": 8, **change}
    if callable(given["context"]):
        given["context"] = given["context"](clip[:, :9])
    with pytest.raises(ValueError, match=said):
        world.predict(given.pop("context"), given.pop("instruction"), given.pop("horizon"), **given)


def test_bytes_are_the_same_clip(world: WorldModel, clip: Tensor) -> None:
    """A context of bytes is predicted as the floats that they stand for."""
    context = ((clip[:, :9] + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(world.predict(context, PUSH, 8).video, world.predict(context / 127.5 - 1, PUSH, 8).video)


def test_only_a_video_model_without_vlm_may_be_told_nothing(
    make_world: Callable[..., WorldModel], clip: Tensor
) -> None:
    """It then goes on as under guidance's negative branch: an empty text."""
    alone = make_world(adapter=None)
    untold, told = (alone.predict(clip[:, :9], text, 16).video for text in ("", "the red ball is pushed up"))
    assert not torch.equal(untold, told)
    with pytest.raises(UserError, match="got an empty one"):
        make_world().predict(clip[:, :9], " ", 16)


def test_one_instruction_per_clip(world: WorldModel, clip: Tensor) -> None:
    """Two clips and one instruction do not fit."""
    with pytest.raises(UserError, match="one instruction each"):
        world.predict_batch(torch.stack([clip[:, :9]] * 2), [PUSH], 8)


def test_parts_that_do_not_fit_are_refused(world: WorldModel) -> None:
    """A VLM without adapter, and an adapter for another VLM, raise at construction."""
    parts = {"vae": world.vae, "transformer": world.transformer, "text_encoder": world.text_encoder}
    with pytest.raises(ValueError, match="one of them"):
        WorldModel(**parts, vlm=world.vlm, adapter=None, sampling_config=world.sampling_config)

    class OtherVLM:
        hidden_size, vision_size, layers = 48, 32, (2,)

    with pytest.raises(ValueError, match="vlm hidden size 32, not 48"):
        WorldModel(**parts, vlm=OtherVLM(), adapter=world.adapter, sampling_config=world.sampling_config)
    assert isinstance(world.adapter.pairing, ModelPair)


def test_progress_is_told_every_step(world: WorldModel, clip: Tensor) -> None:
    """Three steps of two chunks are told as 6 of 6, and every decoding."""
    told = []
    world.predict(clip[:, :9], PUSH, 32, progress=lambda stage, done, of: told.append((stage, done, of)))
    assert [t for t in told if t[0] == "decoding"] == [("decoding", 1, 2), ("decoding", 2, 2)]
    steps = [done for stage, done, of in told if stage == "sampling" and of == 6]
    assert len(steps) == 6 and steps == sorted(set(steps))


def test_seconds_are_recorded_for_every_stage(world: WorldModel, clip: Tensor) -> None:
    """No stage is without time, and the total is their sum."""
    seconds = world.predict(clip[:, :9], PUSH, 32).seconds
    stages = [seconds.features, seconds.encoding, seconds.conditioning, seconds.sampling, seconds.decoding]
    assert min(stages) > 0 and seconds.total == pytest.approx(sum(stages))


def test_the_medoid_is_shown_as_it_was_drawn(world: WorldModel, clip: Tensor) -> None:
    """A model that shows the medoid shows that candidate's own video."""
    prediction = world.predict(clip[:, :9], PUSH, 16, candidates=3)
    assert torch.equal(world.shown(prediction), prediction.video[prediction.medoid])


def test_the_consensus_is_shown_decoded_after_the_context(world: WorldModel, clip: Tensor) -> None:
    """By hand: context and consensus through the decoder, context frames cut off; of one candidate, that one."""
    blending = WorldModel(
        vae=world.vae,
        transformer=world.transformer,
        text_encoder=world.text_encoder,
        vlm=world.vlm,
        adapter=world.adapter,
        sampling_config=replace(world.sampling_config, estimate="consensus", decode_noise=0.0),
    )
    prediction = blending.predict(clip[:, :9], PUSH, 12, candidates=3)
    whole = torch.cat([prediction.context_latents, prediction.consensus], dim=1)[None]
    with torch.no_grad():
        expected = blending.vae.decode(whole, timestep=blending.sampling_config.decode_timestep, noise_scale=0.0)
    assert close(blending.shown(prediction), expected[0, :, 9:21].clamp(-1, 1))
    alone = blending.predict(clip[:, :9], PUSH, 12)
    assert torch.equal(blending.shown(alone), alone.video[0])


def test_a_folder_of_former_names_is_read(make_world: Any, tmp_path: Path) -> None:
    """A world model that was saved when its sampling was a `SamplingPlan` is the same model."""
    world = make_world()
    world.save_pretrained(tmp_path)
    index = tmp_path / "model_index.json"
    index.write_text(index.read_text().replace("SamplingConfig", "SamplingPlan"))
    (tmp_path / "scheduler/sampling_config.json").rename(tmp_path / "scheduler/sampling_plan.json")
    assert "SamplingPlan" in index.read_text()
    assert WorldModel.from_pretrained(tmp_path, device="cpu").sampling_config == world.sampling_config
