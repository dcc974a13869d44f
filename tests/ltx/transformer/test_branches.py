"""The branches of a guided step: in one batch, with what they have in common computed once."""

from typing import Any

import pytest
import torch

from ltx.pipeline.denoiser import TransformerBranches
from ltx.text import TextConditioning
from ltx.transformer import SkipLayers, TimestepGroups


def branches_of(model, inputs, rows, strength=None):
    """Both prompts of these samples; the negative one is the positive one backwards; all strengths differ."""
    strength = inputs.timesteps if strength is None else strength
    positive = TextConditioning(inputs.context[rows], inputs.mask[rows])
    negative = TextConditioning(inputs.context[rows].flip(2), inputs.mask[rows])
    return TransformerBranches(model, inputs.coordinates[rows], strength[rows], positive, negative)


@torch.no_grad()
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("blocks", [(), (1, 2)])
def test_three_samples_are_three_times_one(negative: bool, blocks: Any, model_of: Any, inputs_of: Any) -> None:
    """Each sample of a batch of 3 gets in every branch what it gets alone: the right rows are perturbed."""
    model, inputs = model_of("T1", num_layers=3), inputs_of("T1", batch=3)
    together = branches_of(model, inputs, slice(0, 3))(
        inputs.tokens, inputs.timesteps, negative=negative, perturbed_blocks=blocks
    )
    for row in range(3):
        one = slice(row, row + 1)
        alone = branches_of(model, inputs, one)(
            inputs.tokens[one], inputs.timesteps[one], negative=negative, perturbed_blocks=blocks
        )
        for name, present in (("positive", True), ("negative", negative), ("perturbed", bool(blocks))):
            mine, its = getattr(together, name), getattr(alone, name)
            assert (mine is not None) == (its is not None) == present
            if present:
                torch.testing.assert_close(mine[one], its, atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("count", [1, 3])
def test_branches_are_separate_forwards(count: int, model_of: Any, inputs_of: Any) -> None:
    """Sharing changes nothing: a branch is a forward of its own prompt, the perturbed one with its blocks skipped."""
    model, inputs = model_of("T1", num_layers=3), inputs_of("T1", batch=count)
    found = branches_of(model, inputs, slice(0, count))(
        inputs.tokens, inputs.timesteps, negative=True, perturbed_blocks=(1,)
    )

    def forward(context, skip=None):
        cache = model.prepare(inputs.coordinates, context, inputs.mask)
        return model.denoise(inputs.tokens, inputs.timesteps, cache, skip)

    torch.testing.assert_close(found.positive, forward(inputs.context), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.negative, forward(inputs.context.flip(2)), atol=1e-6, rtol=1e-5)
    perturbed = forward(inputs.context, SkipLayers((1,)))
    assert not torch.allclose(perturbed, found.positive, atol=1e-3)
    torch.testing.assert_close(found.perturbed, perturbed, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_the_shared_prefix_runs_once(model_of: Any, inputs_of: Any) -> None:
    """With block 19 of 28 perturbed a sample costs 2 + 9/28 forwards instead of 3, for any number of samples."""
    for count in (1, 3):
        model, inputs = model_of("T3", num_layers=28), inputs_of("T3", batch=count)
        ran = []
        for block in model.transformer_blocks:
            block.register_forward_hook(lambda module, arguments, out: ran.append(out.shape[0]))
        branches_of(model, inputs, slice(0, count))(
            inputs.tokens, inputs.timesteps, negative=True, perturbed_blocks=(19,)
        )
        assert sum(ran) == count * (2 * 28 + 9)


FIRST_FRAME = (torch.arange(60) < 20).float().expand(3, -1)
SCATTERED = (torch.arange(60) % 3 == 1).float().expand(3, -1)
OF_ITS_OWN = torch.stack([SCATTERED[0].roll(row) for row in range(3)])


@torch.no_grad()
@pytest.mark.parametrize(
    ("strength", "rows"),
    [(FIRST_FRAME, 3), (SCATTERED, 2), (OF_ITS_OWN, 2)],
    ids=["frame", "scattered", "each its own"],
)
@pytest.mark.parametrize("negative", [False, True])
def test_tokens_of_equal_strength_are_one_row(
    strength: Any, rows: int, negative: bool, model_of: Any, inputs_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given tokens make few rows of conditioning, known before the first step, and every branch is what it was."""
    model, inputs = model_of("T1", num_layers=3), inputs_of("T1", batch=3)
    times = (1 - strength).clamp(max=0.7)
    asked = {"negative": negative, "perturbed_blocks": (1,)}
    each = branches_of(model, inputs, slice(0, 3))(inputs.tokens, times, **asked)
    found = branches_of(model, inputs, slice(0, 3), strength)
    monkeypatch.setattr(TimestepGroups, "found_in", None)
    seen = []
    model.adaln_single.register_forward_hook(lambda module, arguments, out: seen.append(out.embedded.shape[1]))
    grouped = found(inputs.tokens, times, **asked)
    assert seen == [rows]
    for name in ("positive", "negative", "perturbed"):
        mine, its = getattr(grouped, name), getattr(each, name)
        assert (mine is None) == (its is None)
        if mine is not None:
            torch.testing.assert_close(mine, its, atol=1e-6, rtol=1e-5)
