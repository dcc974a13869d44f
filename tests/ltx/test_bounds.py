"""Every bound of a setting: the last value inside is taken, the first one outside is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from adapters.lora import LoRAConfig
from adapters.model_pair import ModelPair
from adapters.rotary import SharedRotary
from ltx.flow.guidance_schedule import Guidance, GuidanceSchedule
from ltx.flow.schedule import explicit, skip_steps, stretch, token_shift
from ltx.flow.training import MixedSigma, ShiftedLogitNormal, StretchedLogitNormal, UniformSigma
from ltx.losses.token_drop import common_length, drop_tokens
from ltx.vae.temporal import Streamed
from ltx.vae.tiling import Tiling

TINY = 1e-6
HALVES = torch.tensor([1.0, 0.5])
FREE = torch.tensor([[False, False, True, True]])
UNIFORM = UniformSigma(0, 1)

BOUNDS: list[tuple[str, Callable[..., Any], list[Any], list[Any]]] = [
    ("times of a list", explicit, [[1], [1, TINY]], [[], [1 + TINY], [1, 0], [0.5, 0.5], [0.4, 0.5]]),
    ("tokens", token_shift, [1], [0]),
    ("terminal time", lambda t: stretch(HALVES, t), [TINY, 1 - TINY], [0, 1]),
    ("last time to stretch", lambda t: stretch(torch.tensor([1, t]), 0.1), [1 - TINY], [1.0]),
    ("skipped steps", lambda n: skip_steps(HALVES, initial=n[0], final=n[1]), [(0, 0), (1, 0), (0, 1)], [(1, 1)]),
    ("skipped at the start", lambda n: skip_steps(HALVES, initial=n, final=0), [1], [-1, 2]),
    ("skipped at the end", lambda n: skip_steps(HALVES, initial=0, final=n), [1], [-1, 2]),
    ("uniform sigma", lambda s: UniformSigma(*s), [(0, 1), (0.5, 0.6)], [(-TINY, 1), (0, 1 + TINY), (0.5, 0.5)]),
    ("shifted sigma", ShiftedLogitNormal, [TINY], [0, -1]),
    ("stretched sigma", lambda s: StretchedLogitNormal(s, 0.1), [TINY], [0, -1]),
    ("uniform share", lambda s: StretchedLogitNormal(1, s), [0, 1], [-TINY, 1 + TINY]),
    ("mixed share", lambda s: MixedSigma(UNIFORM, UNIFORM, s), [0, 1], [-TINY, 1 + TINY]),
    ("guidance", lambda s: Guidance(scale=s), [1], [1 - TINY]),
    ("STG", lambda s: Guidance(stg_scale=s), [0], [-TINY]),
    ("rescale", lambda s: Guidance(rescale=s), [0, 1], [-TINY, 1 + TINY]),
    (
        "guidance over time",
        lambda times: GuidanceSchedule((Guidance(),) * 2, times),
        [(1.0, 0.5)],
        [(0.5, 0.5), (0.5, 1.0), (1.0,), (1.0, 0.5, 0.2)],
    ),
    ("latents at a time", Streamed, [1], [0]),
    ("tiles", lambda s: Tiling(*s), [(1, 0, 0), (1, 0, 1)], [(0, 0, 0), (1, -1, 0), (1, 0, 2), (1, 0, -1)]),
    ("tokens to drop", lambda n: common_length(n, largest_drop=0.2), [[8, 10], [5]], [[7, 10], []]),
    ("tokens to keep", lambda n: drop_tokens(FREE, keep=n, generator=torch.Generator()), [2, 3, 4], [1, 5]),
    ("tokens to keep of free ones", lambda n: drop_tokens(FREE[:, 2:], keep=n, generator=torch.Generator()), [1], [0]),
    ("channels of latents", lambda n: ModelPair("", 1, 1, (0,), "", n, 1), [1], [0]),
    ("layers read", lambda n: ModelPair("", 1, 1, n, "", 1, 1), [(0,)], [()]),
    ("rank", lambda n: LoRAConfig(n, ("attn1.to_q",), 1, 1), [1], [0]),
    ("blocks", lambda n: LoRAConfig(1, ("attn1.to_q",), n, 1), [1], [0]),
    ("targets", lambda n: LoRAConfig(1, n, 1, 1), [("attn1.to_q",)], [(), ("attn1.to_z",)]),
    ("head", lambda n: SharedRotary(head_dim=n, extent=(1, 1, 1)), [8, 16], [0, 4, 12]),
    ("extent", lambda n: SharedRotary(head_dim=8, extent=(1, 1, n)), [TINY], [0, -1]),
]


@pytest.mark.parametrize(("make", "inside", "outside"), [pytest.param(*rest, id=name) for name, *rest in BOUNDS])
def test_bounds_hold_where_they_are_said_to(make: Callable[..., Any], inside: list[Any], outside: list[Any]) -> None:
    """What is inside is taken without a word, what is outside refused as a wrong value that was expected otherwise."""
    for value in inside:
        make(value)
    for value in outside:
        with pytest.raises(ValueError, match="expected"):
            make(value)
