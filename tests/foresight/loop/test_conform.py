"""Futures that begin as what was seen: what is held, what is drawn, and against a world whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.loop.chunk import Chunk
from foresight.loop.conform import conform

PUSH = "the red ball is pushed up"


def drawn(world, clip, seen, *, candidates=2, seed=5, horizon=16, steps=3):
    return conform(world, clip[:, :9], PUSH, seen, candidates=candidates, steps=steps, seed=seed, horizon=horizon)


@pytest.fixture
def seen(world, clip):
    """The latent frame of eight observed frames: (8, 1, 2, 2)."""
    with torch.no_grad():
        return world.encode(clip[None, :, :17])[0, :, 2:]


def test_what_was_seen_is_held_bit_by_bit(world: Any, clip: Any, seen: Any) -> None:
    """Every candidate begins with it; what follows differs between candidates."""
    got = drawn(world, clip, seen)
    assert torch.equal(got.latents[:, :, :1], seen.expand(2, -1, -1, -1, -1))
    assert bool((got.latents[0, :, 1] != got.latents[1, :, 1]).all())
    assert got.video.shape == (2, 3, 16, 64, 64) and got.evaluations == 3 and got.steps == 3


def test_what_follows_depends_on_what_was_seen(world: Any, clip: Any, seen: Any) -> None:
    """The same seeds with another beginning go on in another way."""
    assert not torch.allclose(drawn(world, clip, seen).latents[:, :, 1], drawn(world, clip, -seen).latents[:, :, 1])


def test_each_candidate_is_what_its_seed_gives(world: Any, clip: Any, seen: Any) -> None:
    """The second of two is the first of the next seed; the same call gives the same."""
    both, second = drawn(world, clip, seen), drawn(world, clip, seen, candidates=1, seed=6)
    assert torch.allclose(both.latents[1], second.latents[0], atol=1e-5)
    assert torch.equal(both.latents, drawn(world, clip, seen).latents)


def test_more_than_a_chunk_is_refused(world: Any, clip: Any, seen: Any) -> None:
    """A model of 16 frames at once cannot draw 24 that begin as seen; 12 are the first of 16."""
    with pytest.raises(UserError, match="chunk"):
        drawn(world, clip, seen, horizon=24)
    assert drawn(world, clip, seen, horizon=12).video.shape[2] == 12


class Gaussian:
    """The exact velocity of a world where what follows is 0.8 × what was seen, plus noise of variance 0.36.

    With z_σ = (1 − σ)·z + σ·ε, the mean of z is (1 − σ)·C·((1 − σ)²·C + σ²)⁻¹·z_σ for its covariance C.
    """

    C = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)

    def __call__(self, tokens, timesteps):
        sigma = float(timesteps.max())
        assert float(timesteps.min()) == sigma, "all tokens have one time"
        noisy = (1 - sigma) ** 2 * self.C + sigma**2 * torch.eye(2).double()
        gain = (1 - sigma) * self.C @ torch.linalg.inv(noisy)
        frames = tokens.unflatten(1, (2, -1)).double()
        clean = torch.einsum("fg,bgnc->bfnc", gain, frames).flatten(1, 2)
        return ((tokens - clean) / sigma).to(tokens.dtype)


def test_draws_follow_the_conditional_mean(world: Any, clip: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to be 1 everywhere, what follows has mean 0.8, and not more than the variance 0.36, but some."""
    monkeypatch.setattr(Chunk, "denoiser", lambda self: Gaussian())
    monkeypatch.setattr(Chunk, "prediction", lambda self, tokens, **kwargs: tokens)
    found = drawn(world, clip, torch.ones(8, 1, 2, 2), candidates=64, steps=100)
    start, rest = found.unflatten(1, (2, -1)).unbind(dim=1)
    assert bool((start == 1).all())
    assert float(rest.mean()) == pytest.approx(0.8, abs=0.05)
    assert 0.1 < float(rest.var()) < 0.36


def test_the_ledger_counts_what_guidance_costs(make_world: Any, world: Any, clip: Any, seen: Any) -> None:
    """Guidance asks the transformer twice at every step: three guided steps are six evaluations."""
    guided = make_world(sampling=replace(world.sampling_config, guidance=3.0))
    assert drawn(world, clip, seen).evaluations == 3
    assert drawn(guided, clip, seen).evaluations == 6
