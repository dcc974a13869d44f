"""Repairing latents: only the chosen tokens move, and which tokens failed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.loop.failed import failed_tokens
from foresight.loop.renoise import renoise
from foresight.world.denoiser import future_velocity
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import to_tokens

PUSH = "the red ball is pushed up"


@pytest.fixture
def drawn(world, clip):
    """Two candidates of 16 frames: latents (2, 8, 2, 2, 2)."""
    return world.predict(clip[:, :9], PUSH, 16, candidates=2, seed=5)


def some(latents):
    """One token of the first candidate, five of the second."""
    where = torch.zeros(latents.shape[0], *latents.shape[2:], dtype=torch.bool)
    where[0, 1, 0, 1] = True
    where[1, :, 0] = True
    where[1, 0, 1, 1] = True
    return where


def test_untouched_tokens_stay_bit_by_bit(world: Any, clip: Any, drawn: Any) -> None:
    """What did not fail is returned as it was; every token that failed has moved."""
    where = some(drawn.latents)
    got = renoise(world, clip[:, :9], PUSH, drawn.latents, where, noise_level=0.7, seed=5, horizon=16)
    moved = (got.latents != drawn.latents).any(dim=1)
    assert torch.equal(moved, where)
    assert got.video.shape == drawn.video.shape and got.noise_level == 0.7


def test_repairing_by_hand(world: Any, clip: Any, drawn: Any) -> None:
    """Two Euler steps from 0.5 with each token's own time equal the sampler's, tokens at time 0 standing still."""
    where = some(drawn.latents)
    got = renoise(world, clip[:, :9], PUSH, drawn.latents, where, noise_level=0.5, seed=5, horizon=16)
    with torch.no_grad():
        features = world.features(clip[None, :, :9], [PUSH])
        _, problem = world.condition(world.encode(clip[None, :, :9]), features, world.text([PUSH]), 2)
        problem = problem.repeat(2)
        clean = to_tokens(drawn.latents)
        mask = to_tokens(where[:, None].float())
        noise = draw_noise(clean, seeded([5, 6]))
        tokens = clean + 0.5 * mask * (noise - clean)
        for now, then in ((0.5, 1 / 3), (1 / 3, 0.0)):
            velocity = future_velocity(world.transformer, problem, tokens, now * mask[..., 0])
            tokens = tokens + mask * (then - now) * velocity
    assert torch.allclose(to_tokens(got.latents), tokens, atol=1e-5)
    assert got.evaluations == 2


def test_noising_all_tokens_to_one_is_a_draw(world: Any, clip: Any, drawn: Any) -> None:
    """σ* = 1 everywhere forgets the latents: what comes out is what the seed alone gives."""
    everywhere = torch.ones_like(drawn.latents[:, 0], dtype=torch.bool)
    got = renoise(
        world, clip[:, :9], PUSH, torch.zeros_like(drawn.latents), everywhere, noise_level=1.0, seed=5, horizon=12
    )
    assert torch.allclose(got.latents, drawn.latents, atol=1e-5)
    assert got.video.shape[2] == 12


def test_more_than_a_chunk_is_refused(world: Any, clip: Any) -> None:
    """A model of 16 frames at once cannot repair 24."""
    latents = torch.zeros(1, 8, 3, 2, 2)
    with pytest.raises(UserError, match="chunk"):
        renoise(world, clip[:, :9], PUSH, latents, latents[:, 0] > 0, noise_level=0.5, seed=0, horizon=24)


def test_failed_tokens_by_hand() -> None:
    """Errors 0, 0, 0, 4 fail where 4 ≥ 1, and there in the frame that was not seen; candidates fail apart."""
    predicted = torch.zeros(2, 1, 2, 2, 2)
    observed = torch.zeros(1, 1, 2, 2)
    predicted[0, 0, 0, 1, 1] = 2.0
    predicted[1, 0, 0, 0] = 3.0
    failed = failed_tokens(predicted, observed)
    assert failed[0].tolist() == [[[False, False], [False, True]]] * 2
    assert failed[1].tolist() == [[[True, True], [False, False]]] * 2


def test_what_was_seen_last_counts_for_what_was_not_seen() -> None:
    """A place that failed first and was right later is not taken to fail again."""
    predicted = torch.zeros(1, 1, 3, 1, 2)
    predicted[0, 0, 0, 0, 0] = 1.0
    predicted[0, 0, 1, 0, 1] = 1.0
    failed = failed_tokens(predicted, torch.zeros(1, 2, 1, 2))
    assert failed[0, :, 0].tolist() == [[True, False], [False, True], [False, True]]


@pytest.mark.parametrize("seen", [0, 3])
def test_what_was_seen_must_fit(seen: int) -> None:
    """Nothing seen, or more than was predicted."""
    with pytest.raises(ValueError, match="1 to 2"):
        failed_tokens(torch.zeros(1, 1, 2, 1, 1), torch.zeros(1, seen, 1, 1))
