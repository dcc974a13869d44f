"""Films of a training: a continuation is what the flow says it is, given frames stay, and other trainings are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from foresight.data.batch import FeatureBatch
from foresight.errors import UserError
from foresight.training.films import Films
from foresight.training.objectives.flow import TextFlow
from ltx.flow.training import UniformSigma
from ltx.packing import GivenFrames
from ltx.shapes import LatentShape, from_tokens, to_tokens

LATENTS = torch.randn(3, 4, 4, 2, 2, generator=torch.Generator().manual_seed(0))


class Knowing(nn.Module):
    """A flow that leads straight to the clips it knows; says ones of what is at time 0."""

    config = SimpleNamespace(causal_temporal_positioning=True)

    def __init__(self, ends: Tensor) -> None:
        super().__init__()
        self.ends = to_tokens(ends)
        self.seen: list[Tensor] = []

    def forward(self, tokens: Tensor, timesteps: Tensor, *rest: Any, groups: Any) -> Tensor:
        self.seen.append(timesteps)
        levels = timesteps[..., None]
        return torch.where(levels > 0, (tokens - self.ends) / levels.clamp(min=1e-6), torch.ones(()))


def flow(**given: Any) -> TextFlow:
    return TextFlow(
        text_encoder=None, wording=None, sigmas=UniformSigma(0, 1), given=GivenFrames(**given), drop=0.0, dropout=0.0
    )


def batch() -> FeatureBatch:
    text = {"text": torch.zeros(3, 1, 4), "text_mask": torch.ones(3, 1, dtype=torch.bool)}
    return FeatureBatch({"latents": LATENTS, **text}, ("",) * 3, 8.0, torch.arange(3))


@pytest.mark.parametrize("steps", [1, 5])
def test_a_continuation_ends_where_the_flow_leads(steps: int) -> None:
    """Along straight ways any number of Euler steps arrives; the two frames that are given stay as they are, at time 0,
    whatever the flow says of them, and the others come from noise, not from the truth."""
    ends = LATENTS + 1
    model: Any = Knowing(ends)
    made = flow(clip=2, clip_share=1.0, image_share=0.0).continued(
        model, batch(), torch.Generator().manual_seed(1), steps=steps
    )
    torch.testing.assert_close(made[:, :, 2:], ends[:, :, 2:], atol=1e-5, rtol=0)
    assert torch.equal(made[:, :, :2], LATENTS[:, :, :2])
    times = [from_tokens(seen[..., None], LatentShape.of(LATENTS)) for seen in model.seen]
    assert [float(time[:, :, 2:].unique()) for time in times] == pytest.approx([1 - at / steps for at in range(steps)])
    assert all(not time[:, :, :2].any() for time in times)


def test_nothing_given_is_all_from_noise() -> None:
    """What is given most often decides: here nothing."""
    model: Any = Knowing(LATENTS - 2)
    made = flow(clip=2, clip_share=0.2, image_share=0.0).continued(model, batch(), torch.Generator(), steps=3)
    torch.testing.assert_close(made, LATENTS - 2, atol=1e-5, rtol=0)


def test_films_of_another_training_are_refused() -> None:
    """With the word to leave out; and numbers that cannot be."""
    films = Films(folder="films", clips=1, vae="foresight-tiny")
    trainer: Any = SimpleNamespace(is_global_zero=True, sanity_checking=False)
    module: Any = SimpleNamespace(model=nn.Linear(1, 1), objective=None, device="cpu")
    with pytest.raises(UserError, match=r"callbacks\.films\.clips at null"):
        films.on_validation_batch_end(trainer, module, None, batch(), 0)
    for numbers in ({"clips": 0}, {"clips": 1, "steps": 0}):
        with pytest.raises(UserError, match="clips ≥ 1"):
            Films(folder="films", vae="foresight-tiny", **numbers)
