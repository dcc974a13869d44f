"""The card of videos without known states, by predictions whose figures are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from foresight.data.physics import PhysicsClips
from foresight.errors import UserError
from foresight.evaluation.prediction.card import COPY, EXTENDED, MODEL, TEXT, VAE_RECONSTRUCTION
from foresight.evaluation.prediction.videos import OTHER_INSTRUCTION, VideoBenchmark, evaluate_videos
from foresight.metrics.baselines import copy_last_frame
from foresight.physics import PhysicsConfig
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

GIVEN = 9


def clips(count: int, first: int = 0) -> PhysicsClips:
    return PhysicsClips(config=PhysicsConfig(), split="test", first=first, count=count)


def card(method, count: int = 7, batch: int = 3):
    methods = {MODEL: method, OTHER_INSTRUCTION: lambda contexts, told, frames: copy_last_frame(contexts, frames)}
    return evaluate_videos(methods, lambda videos: videos, clips(count), context=GIVEN, batch=batch)


def truth(contexts: torch.Tensor) -> torch.Tensor:
    """The futures of those of the clips whose contexts are given."""
    known = clips(7).__getitems__(range(7)).video
    rows = [int((known[:, :, :GIVEN] - one).abs().sum(dim=(1, 2, 3, 4)).argmin()) for one in contexts]
    return known[rows][:, :, GIVEN:]


def test_an_oracle_and_a_copier() -> None:
    """Who knows the future has skill 1 and chooses it; who copies has none, and the gates say so."""
    oracle = card(lambda contexts, told, frames: truth(contexts))
    figures = oracle.figures()
    assert figures["skill over copy last frame (MSE)"].value == 1 and figures["forced choice: true"].value == 1
    assert figures[f"skill over {OTHER_INSTRUCTION} (MSE)"].value == 1 and all(gate.holds for gate in oracle.gates())
    copier = card(lambda contexts, told, frames: copy_last_frame(contexts, frames))
    figures = copier.figures()
    assert figures["skill over copy last frame (MSE)"].value == 0 and figures["forced choice: frozen"].value == 1
    assert [gate.holds for gate in copier.gates()] == [False, True, False, True]


def test_blur_is_told_apart() -> None:
    """Half the truth and half the last frame: chosen as the blurred option, less sharp than the VAE's best."""

    def blur(contexts: torch.Tensor, told: list[str], frames: int) -> torch.Tensor:
        return (truth(contexts) + copy_last_frame(contexts, frames)) / 2

    found = card(blur)
    assert found.figures()["forced choice: blurred"].value == 1
    assert not found.gates()[-2].holds


def test_another_clips_future_is_told_apart() -> None:
    """A perfect future of the next clip of the batch: chosen as that, and worse than copying."""
    figures = card(lambda contexts, told, frames: truth(contexts).roll(-1, 0)).figures()
    assert figures["forced choice: another clip's"].value == 1
    assert figures["skill over copy last frame (MSE)"].value < 0


def test_every_clip_is_scored_once_however_they_are_batched() -> None:
    """Seven clips by threes: the one left over joins the batch before; scores do not depend on the batches."""

    def copy(contexts: torch.Tensor, told: list[str], frames: int) -> torch.Tensor:
        return copy_last_frame(contexts, frames)

    one, other = card(copy, batch=3), card(copy, batch=7)
    assert one.methods[COPY].mse.shape == (7, 16)
    np.testing.assert_array_equal(one.methods[COPY].mse, other.methods[COPY].mse)
    assert float(one.methods[VAE_RECONSTRUCTION].error.max()) == 0


def test_what_cannot_be_compared() -> None:
    """A single clip, and clips that end with the context."""
    with pytest.raises(UserError, match="at least two clips"):
        card(lambda *asked: None, count=1)
    with pytest.raises(UserError, match="more than 25 frames"):
        evaluate_videos({}, lambda videos: videos, clips(2), context=25, batch=2)


def test_the_benchmark_asks_the_model_four_times(world: WorldModel) -> None:
    """Told, told another clip's instruction, and without VLM: told nothing, and told by text where that differs."""
    benchmark = VideoBenchmark(clips=clips(2), context=GIVEN, candidates=2, noise_level=1.0, batch=2, seed=0)
    found = benchmark(world, lambda done, of: None)
    names = [row["method"] for row in found.tables["methods"]]
    assert {MODEL, OTHER_INSTRUCTION, EXTENDED} <= {*names} and (TEXT in names) is (world.adapter is not None)
    with pytest.raises(ValueError, match="at least 2"):
        VideoBenchmark(clips=clips(2), context=GIVEN, candidates=2, noise_level=1.0, batch=1, seed=0)


@pytest.mark.parametrize(("adapter", "level"), [(object(), 0.7), (None, "auto")])
def test_a_model_without_adapter_chooses_its_noise_level(adapter: object, level: object) -> None:
    """The level asked for is one that an adapter was trained at; the released model alone samples from pure noise."""
    asked: list[object] = []

    def predict_batch(contexts: torch.Tensor, told: list[str], frames: int, sampling: Sampling) -> list[torch.Tensor]:
        asked.append(sampling.noise_level)
        return [context[:, :1] for context in contexts]

    model: Any = SimpleNamespace(adapter=adapter, predict_batch=predict_batch, shown=lambda one: one)
    benchmark = VideoBenchmark(clips=clips(2), context=GIVEN, candidates=2, noise_level=0.7, batch=2, seed=0)
    assert benchmark._predict(model, torch.zeros(2, 3, 9, 4, 4), ["", ""], 1).shape == (2, 3, 1, 4, 4)
    assert asked == [level]
