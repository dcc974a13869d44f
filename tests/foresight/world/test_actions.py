"""A world model that is told what is done in numbers: heard in sampling, chunk by chunk, refused where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adapters import (
    ActionModulationConfig,
    ActionReferenceConfig,
    ActionSequence,
    ActionSpace,
    ActionTokensConfig,
    ComposeConfig,
    LoRAConfig,
    ModelPair,
    build_adapter,
)
from foresight.errors import UserError
from foresight.verify.evidence.flow import CONDITIONAL, UNCONDITIONAL, FlowProbe
from foresight.verify.evidence.records import EvidenceConfig
from foresight.world.world_model import WorldModel

PAIR = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
SPACE = ActionSpace.of(("x", "y"), -3.0, 3.0)
LORA = LoRAConfig(2, ("attn1.to_k",), 2, 24)
ROUTES = {
    "tokens": ActionTokensConfig(PAIR, SPACE, 16, 2.0),
    "reference": ActionReferenceConfig(PAIR, SPACE, 16, 2.0, LORA),
    "modulation": ActionModulationConfig(PAIR, SPACE, 16, 2.0, 24),
}
STEADY = ActionSequence.steady(torch.ones(1, 32, 2), frame_rate=8.0)


def told(world: WorldModel, route: str, **changes: float) -> WorldModel:
    """The world model with an adapter of actions alone, weights moved from zero."""
    adapter = build_adapter(ROUTES[route])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
    config = replace(world.sampling_config, decode_noise=0.0, carried_noise=0.0, **changes)
    return world.replace(adapter=adapter, vlm=None, sampling_config=config)


@pytest.fixture
def plain(make_world: Callable[..., WorldModel]) -> WorldModel:
    """A world model without adapter."""
    return make_world(adapter=None)


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_done_is_heard_in_sampling(route: str, plain: WorldModel, clip: Tensor) -> None:
    """Other numbers, another video; the same, the same; no vision-language model, and no sentence, is needed."""
    world = told(plain, route)
    context = clip[:, :9]
    found = world.predict(context, "", 16, actions=STEADY)
    again = world.predict(context, "", 16, actions=STEADY)
    other = world.predict(context, "", 16, actions=ActionSequence(-STEADY.values, STEADY.seconds))
    assert torch.equal(found.video, again.video) and found.actions is not None
    assert (found.latents - other.latents).abs().max() > 1e-4
    assert (found.latents - plain.predict(context, "", 16).latents).abs().max() > 1e-4


def test_guidance_goes_away_from_a_branch_that_is_told_nothing(plain: WorldModel, clip: Tensor) -> None:
    """With guidance the same actions move the video further from the video model's own."""
    context = clip[:, :9]
    alone = plain.predict(context, "", 16).latents
    near = told(plain, "modulation").predict(context, "", 16, actions=STEADY).latents
    far = told(plain, "modulation", guidance=3.0).predict(context, "", 16, actions=STEADY).latents
    assert (far - alone).square().mean() > 1.5 * (near - alone).square().mean()


@pytest.mark.parametrize("route", ROUTES)
def test_the_next_chunk_takes_the_next_actions(route: str, plain: WorldModel, clip: Tensor) -> None:
    """Actions of the second chunk change the second chunk alone; candidates are told those of their own clip."""
    world = told(plain, route)
    context = clip[:, :9]
    later = STEADY.values.clone()
    later[:, 16:] = -2.0
    first = world.predict(context, "", 32, actions=STEADY, candidates=2)
    second = world.predict(context, "", 32, actions=ActionSequence(later, STEADY.seconds), candidates=2)
    assert torch.allclose(first.latents[:, :, :2], second.latents[:, :, :2], atol=1e-6)
    assert (first.latents[:, :, 2:] - second.latents[:, :, 2:]).abs().amax(dim=(1, 2, 3, 4)).min() > 1e-4
    clips = torch.stack([context, context])
    both = ActionSequence(torch.cat([STEADY.values, later]), STEADY.seconds)
    one, other = world.predict_batch(clips, ["", ""], 32, actions=both)
    assert torch.allclose(one.latents[0], first.latents[0], atol=1e-5)
    assert torch.allclose(other.latents[0], second.latents[0], atol=1e-5)


def test_sentence_and_numbers_together(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """An adapter of both hears both."""
    own = make_world()
    assert own.adapter is not None
    parts = [*own.adapter.config.parts, ROUTES["modulation"]]
    adapter = build_adapter(ComposeConfig(tuple(parts)))
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.3)
    world = own.replace(adapter=adapter)
    found = world.predict(clip[:, :9], "the red ball is pushed up", 16, actions=STEADY, noise_level=1.0)
    assert found.conditions == ("context", "modulation")
    other = world.predict(clip[:, :9], "nothing is pushed", 16, actions=STEADY, noise_level=1.0)
    assert (found.latents - other.latents).abs().max() > 1e-5


@pytest.mark.parametrize(
    ("actions", "match"),
    [
        (None, r"expected actions \(x, y\), got none"),
        (ActionSequence.steady(torch.ones(1, 16, 3), frame_rate=8.0), "2 numbers"),
        (ActionSequence.steady(torch.full((1, 16, 2), 4.0), frame_rate=8.0), "'x' from -3 to 3, got 4"),
        (ActionSequence.steady(torch.ones(2, 16, 2), frame_rate=8.0), "actions of 1 clips, got 2"),
        (ActionSequence.steady(torch.ones(1, 8, 2), frame_rate=8.0, start=-1.0), "no step between 0 and 2 s"),
    ],
)
def test_actions_that_cannot_be_heard(
    actions: ActionSequence | None, match: str, plain: WorldModel, clip: Tensor
) -> None:
    """One error each, before anything is computed."""
    with pytest.raises(UserError, match=match):
        told(plain, "tokens").predict(clip[:, :9], "", 16, actions=actions)


def test_actions_that_nothing_reads(plain: WorldModel, clip: Tensor) -> None:
    """A world model that is told sentences says so."""
    with pytest.raises(UserError, match="nothing in this world model reads"):
        plain.predict(clip[:, :9], "", 16, actions=STEADY)


def test_an_adapter_of_another_transformer_is_refused(plain: WorldModel) -> None:
    """By its width, when the world model is put together."""
    wide = build_adapter(replace(ROUTES["modulation"], embedding=48))
    with pytest.raises(ValueError, match="a transformer of width 48"):
        plain.replace(adapter=wide, vlm=None)


def test_verification_is_told_what_was_done(plain: WorldModel, clip: Tensor) -> None:
    """Velocity errors under the instruction depend on the actions; those of the bare video model do not."""
    world = told(plain, "modulation")
    context = clip[None, :, :9]
    known, future = world.encode(context), world.encode(clip[None])[:, :, 2:]
    how = EvidenceConfig(instructions=(), count=0, sigmas=(0.5,), prior_sigmas=(0.5,), seed=0)
    probes = [
        FlowProbe(world, known, context, [""], how, done)
        for done in (STEADY.between(0, 2), ActionSequence(-STEADY.values, STEADY.seconds).between(0, 2))
    ]
    told_losses, bare = (
        [p.losses(future[:, None], kind, [0.5]) for p in probes] for kind in (CONDITIONAL, UNCONDITIONAL)
    )
    assert not torch.equal(*told_losses) and torch.equal(*bare)
