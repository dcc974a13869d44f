"""Adapters that read actions: silent at the start, moved by what is done and when, the same after a round trip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import (
    ActionModulationConfig,
    ActionReferenceConfig,
    ActionSequence,
    ActionSpace,
    ActionTokensConfig,
    ComposeConfig,
    LoRAConfig,
    ModelPair,
    QueriesConfig,
    build_adapter,
    load_adapter,
    save_adapter,
)
from ltx.shapes import LatentShape, coordinates

PAIR = ModelPair("vlm", 32, 32, (2,), "ltx", 8, 16)
SPACE = ActionSpace.of(("x", "y"), -2.0, 2.0)
TOKENS = ActionTokensConfig(PAIR, SPACE, 16, 2.0)
REFERENCE = ActionReferenceConfig(PAIR, SPACE, 16, 2.0, LoRAConfig(2, ("attn1.to_q",), 2, 24))
MODULATION = ActionModulationConfig(PAIR, SPACE, 16, 2.0, 24)
ALL = (TOKENS, REFERENCE, MODULATION)
ACTIONS = ActionSequence.steady(torch.tensor([[[1.0, 0.0], [0.0, -1.0]], [[0.5, 2.0], [0.0, 0.0]]]), frame_rate=1.0)


def targets(frames: int = 2, known: int = 2) -> torch.Tensor:
    """Places of latents behind a context of nine frames at eight a second, for two clips."""
    shape = LatentShape(known + frames, 2, 2)
    return coordinates(shape, frame_rate=8.0)[:, known * 4 :].expand(2, -1, -1)


def outputs(adapter: Any, actions: ActionSequence | None = ACTIONS) -> torch.Tensor:
    """What an adapter changes by what is done."""
    said = adapter(None, targets(), actions)
    if said.context is not None:
        return said.context.tokens
    return said.reference.changes if said.reference is not None else said.modulation.vectors


def trained(config: Any) -> Any:
    """The adapter with noise on every weight."""
    adapter = build_adapter(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return adapter.eval()


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_actions_say_nothing_at_the_start_and_something_after(config: Any) -> None:
    """Zero whatever is done; with other weights what is done, and to which clip, decides."""
    fresh = build_adapter(config)
    assert fresh.reads == {"actions"} and fresh.space == SPACE
    assert outputs(fresh).abs().max() == 0
    adapter = trained(config)
    found = outputs(adapter)
    assert (found[0] - found[1]).abs().max() > 1e-3
    changed = ActionSequence(ACTIONS.values * 0.5, ACTIONS.seconds)
    assert (outputs(adapter, changed) - found).abs().max() > 1e-3


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_gradients_reach_what_is_trained(config: Any) -> None:
    """Every weight but those in front of a zero start, after one step."""
    adapter = build_adapter(config)
    optimizer = torch.optim.SGD([p for name, p in adapter.named_parameters() if "lora" not in name], 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (outputs(adapter) - 1).square().mean().backward()
        optimizer.step()
    for name, parameter in adapter.named_parameters():
        if "lora" not in name:
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_round_trip(config: Any, tmp_path: Path) -> None:
    """Names, ranges and normalisation come back with the weights, and the output to the bit."""
    space = ActionSpace(("x", "y"), (-2.0, None), (2.0, None), (0.1, 0.2), (0.5, 3.0))
    adapter = trained(type(config)(**{**vars(config), "space": space}))
    save_adapter(adapter, tmp_path)
    found = load_adapter(tmp_path)
    assert found.config == adapter.config and found.space == space
    assert torch.equal(outputs(found), outputs(adapter))


def test_modulation_belongs_to_the_frame_in_which_a_step_begins() -> None:
    """Frames begin to be predicted at second 0, and eight frames later; a step before them changes none."""
    adapter = trained(MODULATION)
    for second, changed in ((0.0, 0), (0.9, 0), (1.0, 1), (1.5, 1), (-0.5, None)):
        done = ActionSequence(torch.tensor([[[1.0, 1.0]], [[1.0, 1.0]]]), torch.tensor([second]))
        vectors = adapter(None, targets(), done).modulation.vectors
        moved = [frame for frame in range(2) if vectors[:, frame].abs().max() > 0]
        assert moved == ([] if changed is None else [changed]), second
    rows = adapter(None, targets(), ACTIONS).modulation.rows
    assert rows[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    behind = adapter(None, targets(), ACTIONS).modulation.behind(3)
    assert behind.rows[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2] and behind.vectors[:, 0].abs().max() == 0


def test_reference_tokens_lie_at_the_time_of_their_steps() -> None:
    """In the middle of the picture, also in the future; copies of the last given latent nearest to it."""
    said = trained(REFERENCE)(None, targets(), ACTIONS).reference
    given = coordinates(LatentShape(2, 2, 2), frame_rate=8.0).expand(2, -1, -1)
    latents = torch.arange(8.0)[None, :, None].expand(2, 8, 8)
    joined = said.join(latents, given, 0.0)
    assert joined.coordinates[0, 0].tolist() == pytest.approx([9 / 8, 17 / 8])
    assert torch.allclose(joined.tokens - said.changes, latents[:, 4:5].expand(2, 2, 8), atol=1e-6)
    assert joined.timestep == 0.0


def test_action_tokens_stand_behind_those_of_another_adapter() -> None:
    """Queries in place of the text, then one token per step; two that both stand behind are refused by no one."""
    queries = QueriesConfig(PAIR, 16, 2, 1, (4.0, 64.0, 64.0), 3, "replace")
    both = build_adapter(ComposeConfig((TOKENS, queries)))
    assert both.reads == {"features", "actions"} and both.provides == {"context"} and both.space == SPACE
    added = QueriesConfig(PAIR, 16, 2, 1, (4.0, 64.0, 64.0), 3, "add")
    first = trained(QueriesConfig(PAIR, 16, 2, 1, (4.0, 64.0, 64.0), 3, "replace"))
    assert first.reads == {"features"} and first.space is None
    with pytest.raises(ValueError, match="expected features"):
        first(None, targets())
    with pytest.raises(ValueError, match="got placements 'add'"):
        tokens = trained(TOKENS)(None, targets(), ACTIONS).context
        type(tokens)(tokens.tokens, tokens.mask, added.placement).followed_by(tokens)


@pytest.mark.parametrize("config", ALL, ids=lambda config: type(config).__name__)
def test_missing_and_foreign_actions_are_refused(config: Any) -> None:
    """By the names of the numbers that are read."""
    adapter = build_adapter(config)
    with pytest.raises(ValueError, match=r"2 numbers \(x, y\), got none"):
        outputs(adapter, None)
    with pytest.raises(ValueError, match="'y' from -2 to 2, got 0 to 9"):
        outputs(adapter, ActionSequence(torch.tensor([[[0.0, 0.0], [0.0, 9.0]]] * 2), ACTIONS.seconds))


def test_parts_that_read_other_actions_are_not_composed() -> None:
    """One sequence of actions is read by all."""
    other = ActionModulationConfig(PAIR, ActionSpace.of(("z",)), 16, 2.0, 24)
    with pytest.raises(ValueError, match="same actions"):
        build_adapter(ComposeConfig((TOKENS, other)))
