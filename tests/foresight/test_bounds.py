"""Every bound of a setting: the last value inside is taken, the first one outside is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from foresight.evaluation.conditioning import ConditioningBenchmark
from foresight.loop.attempt import Task
from foresight.loop.budget import Budget
from foresight.loop.failed import failed_tokens
from foresight.loop.policies.abstain import Abstain
from foresight.loop.policies.chain import Chain
from foresight.loop.policies.conform import Conform
from foresight.loop.policies.refine import Refine
from foresight.loop.policies.resample import Resample
from foresight.loop.policies.revise import Revise
from foresight.loop.revisers.likelihood import LikelihoodReviser
from foresight.physics.palette import COLOURS
from foresight.physics.scene import PhysicsConfig
from foresight.training.ema import EMA
from foresight.training.guard import FiniteGuard
from foresight.training.objectives.sentences import DroppedText
from foresight.training.objectives.vae import windows
from foresight.training.periodic import PeriodicCheckpoint
from foresight.training.schedule import WarmupDecay
from foresight.verify.calibration import conformal_lower, fit_logistic
from foresight.verify.cases.base import check_kinds
from foresight.verify.evidence.records import EvidenceConfig
from foresight.vlm.preprocess import Preprocessing
from foresight.watch.timeline import Timeline

TINY = 1e-6
VIDEO = torch.zeros(3, 9, 8, 8)


def seen(frames: int, width: int = 8) -> Task:
    return Task(VIDEO, torch.zeros(3, frames, 8, width), 16, "", 0)


def failed(frames: int) -> torch.Tensor:
    return failed_tokens(torch.zeros(1, 1, 2, 1, 1), torch.zeros(1, frames, 1, 1))


def logistic(penalty: float) -> Any:
    return fit_logistic(torch.tensor([[0.0], [1.0]]), torch.tensor([True, False]), penalty=penalty)


def policy(**change: Any) -> Preprocessing:
    usual: dict[str, Any] = {"frames_per_second": 4.0, "min_frames": 4, "max_frames": 8, "video_tokens": None}
    areas = {"image_pixels": (1, 1), "video_pixels": (1, 1), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    return Preprocessing(**{**usual, **areas, **change})


def conditioning(**change: Any) -> ConditioningBenchmark:
    usual: dict[str, Any] = {"clips": 2, "filmed": 2, "levels": [0.5]}
    fixed: dict[str, Any] = {"physics": PhysicsConfig(), "split": "test", "noise_level": 0.5, "seed": 0}
    return ConditioningBenchmark(**{**usual, **fixed, **change})


BOUNDS: list[tuple[str, Callable[..., Any], list[Any], list[Any]]] = [
    ("probability to abstain below", lambda p: Abstain(below=p), [0, 1], [-TINY, 1 + TINY]),
    ("margin to abstain below", lambda p: Abstain(margin=p), [0, 1], [-TINY, 1 + TINY]),
    ("steps that conform", Conform, [1], [0]),
    ("level of refining", lambda s: Refine(s, "all", 1), [TINY, 1], [0, 1 + TINY]),
    ("times of refining", lambda n: Refine(1, "failed", n), [1], [0]),
    ("part to refine", lambda part: Refine(1, part, 1), ["all", "failed"], ["none"]),
    ("draws", Resample, [1], [0]),
    ("revisions", Revise, [1], [0]),
    ("policies", Chain, [[Resample(1)]], [[]]),
    ("attempts", Budget, [1], [0]),
    ("seconds", lambda s: Budget(1, seconds=s), [None, TINY], [0]),
    ("evaluations", lambda n: Budget(1, evaluations=n), [None, 1], [0]),
    ("frames seen", seen, [8, 16], [7, 17]),
    ("size seen", lambda width: seen(8, width), [8], [16]),
    ("latents seen", failed, [1, 2], [0, 3]),
    ("noise levels that tell", lambda s: LikelihoodReviser(s), [[TINY], [1 - TINY, 0.5]], [[], [0], [0.5, 1]]),
    ("draws that tell", lambda n: LikelihoodReviser(draws=n), [1], [0]),
    ("noise levels gathered", lambda s: EvidenceConfig(("a", "b"), 1, s), [[TINY, 1 - TINY]], [[], [0], [0.5, 1]]),
    ("instructions tried", lambda n: EvidenceConfig(("a", "b"), n), [0, 1], [-1, 2]),
    ("penalty", logistic, [TINY], [0, -1]),
    ("coverage", lambda c: conformal_lower(torch.zeros(9), c), [TINY, 1 - TINY], [0, 1]),
    ("wrong futures", lambda n: check_kinds("ab", "abc", n), [1, 2], [0, 3]),
    ("kinds", lambda kinds: check_kinds(kinds, "abc", 1), ["a", "abc"], ["d", "ad", ""]),
    ("clips that condition", lambda n: conditioning(clips=n), [2, 3], [1]),
    ("clips filmed", lambda n: conditioning(filmed=n), [1, 2], [0, 3]),
    ("levels that condition", lambda s: conditioning(levels=s), [[TINY, 1]], [[], [0], [1 + TINY]]),
    ("context of a world", lambda n: PhysicsConfig(context_frames=n), [1, 24], [0, 25]),
    (
        "bodies of a world",
        lambda n: PhysicsConfig(bodies=(1, n), body_weights=(0.5, 0.5)),
        [len(COLOURS)],
        [len(COLOURS) + 1],
    ),
    ("steps of training", lambda n: WarmupDecay(n, 0, 0), [1], [0]),
    ("warm-up", lambda n: WarmupDecay(1, n, 0), [0], [-1]),
    ("decay of the rate", lambda d: WarmupDecay(1, 0, d), [0, 1], [-TINY, 1 + TINY]),
    ("decay of an average", lambda d: EMA(decay=d), [0, 1 - TINY], [-TINY, 1]),
    ("steps not finite", lambda n: FiniteGuard(tolerated=n), [0], [-1]),
    ("minutes between", lambda m: PeriodicCheckpoint(folder="", minutes=m, keep=1), [0], [-TINY]),
    ("checkpoints kept", lambda n: PeriodicCheckpoint(folder="", minutes=0, keep=n), [1], [0]),
    ("text dropped", lambda p: DroppedText(lambda *_: None, p), [0, 1], [-TINY, 1 + TINY]),  # type: ignore[arg-type]
    ("frames of a window", lambda n: windows(VIDEO[None], n, torch.Generator()), [1, 9], [0, 10]),
    ("rate of frames", lambda rate: policy(frames_per_second=rate), [TINY], [0]),
    ("least frames", lambda n: policy(min_frames=n), [1, 8], [0, 9]),
    ("areas", lambda area: policy(video_pixels=area), [(1, 1), (1, 2)], [(0, 1), (2, 1)]),
    ("frames to see", lambda n: policy().sample(n, 1.0), [1], [0]),
    ("rate to see", lambda rate: policy().sample(9, rate), [TINY], [0]),
    ("spans", lambda n: Timeline(most=n), [2, 4], [0, 1, 3]),
]


@pytest.mark.parametrize(("make", "inside", "outside"), [pytest.param(*rest, id=name) for name, *rest in BOUNDS])
def test_bounds_hold_where_they_are_said_to(make: Callable[..., Any], inside: list[Any], outside: list[Any]) -> None:
    """What is inside is taken without a word, what is outside refused as a wrong value that was expected otherwise."""
    for value in inside:
        make(value)
    for value in outside:
        with pytest.raises(ValueError, match="expected"):
            make(value)
