"""A world model and a verifier made by hand: what is predicted and judged is a table, so every trace can be traced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from foresight.loop import Budget, PredictVerifyLoop, Task
from foresight.verify.verdict import Verdict
from foresight.world.prediction import Prediction, StageSeconds
from tests.small import UNTRAINED, sampling_config

SAMPLING = sampling_config(decode_noise=0.0, carried_noise=0.0, continuation="go on", **UNTRAINED)
LEVELS = {"a": 0.25, "b": 0.5, "c": 0.75, "go on": 1.0}


class FakeVAE(nn.Module):
    """Draws grey whatever it is given."""

    def __init__(self):
        super().__init__()
        self.decoder = nn.Identity()
        self.scale = nn.Parameter(torch.ones(1))

    def encode(self, video):
        """One value per 8 frames and quarter of the picture, behind the first frame's."""
        first, rest = video[:, :1, :1], video[:, :1, 1:]
        pooled = nn.functional.avg_pool3d(rest, (8, 32, 32))
        return torch.cat([nn.functional.avg_pool3d(first, (1, 32, 32)), pooled], dim=2)

    def decode(self, latents, *, timestep, noise_scale):
        batch, _, frames, height, width = latents.shape
        return torch.zeros(batch, 3, 8 * (frames - 1) + 1, 32 * height, 32 * width)


class FakeWorld:
    """Draws a grey level that instruction and seed determine: level + seed / 1000 everywhere."""

    def __init__(self):
        self.sampling_config, self.device, self.vlm = SAMPLING, torch.device("cpu"), None
        self.transformer = nn.Module()
        self.transformer.patchify_proj = nn.Identity()
        self.vae = FakeVAE()

    def encode(self, video):
        return self.vae.encode(video)

    def predict(self, context, instruction, horizon, *, candidates, noise_level, seed, steps=None):
        for _ in range(steps or SAMPLING.steps):
            self.transformer.patchify_proj(torch.zeros(candidates, 1, 1))
        self.vae.decoder(torch.zeros(candidates, 1))
        levels = torch.tensor([LEVELS[instruction] + (seed + index) / 1000 for index in range(candidates)])
        video = levels.view(-1, 1, 1, 1, 1).expand(-1, 3, horizon, 64, 64)
        return Prediction(
            video=video,
            latents=levels.view(-1, 1, 1, 1, 1).expand(-1, 1, -(-horizon // 8), 2, 2),
            context=context,
            context_latents=self.encode(context[None])[0],
            features=None,
            instruction=instruction,
            frame_rate=8.0,
            seed=seed,
            noise_level=1.0 if noise_level == "auto" else noise_level,
            steps=steps or SAMPLING.steps,
            evaluations=steps or SAMPLING.steps,
            seconds=StageSeconds(),
        )


class FakeVerifier:
    """Probability 1 − 2·distance of the first candidate from what was seen; accepts from 0.9, rejects below 0.5.

    Judging takes two sequences through the transformer.
    """

    plausibilities = ()

    def __init__(self, candidates=2):
        self.fitted_on = SimpleNamespace(candidates=candidates)
        self.heads = {8: None}

    def check_model(self, model):
        """Fits every model."""

    def contributions(self, verdict):
        """The one signal speaks for the prediction."""
        return {"motion": 1.0}

    def verify(self, model, predictions, observed):
        model.transformer.patchify_proj(torch.zeros(2, 1, 8))
        distance = float((predictions[0].video[0, :, : observed.shape[2]] - observed[0]).abs().mean())
        probability = 1 - 2 * min(0.5, distance)
        decision = "accept" if probability >= 0.9 else "reject" if probability < 0.5 else "abstain"
        return [Verdict(probability, decision, {"motion": distance}, observed.shape[2])]


@pytest.fixture
def task():
    """Black context, then what "c" would draw; 8 of 16 frames are seen, "a" was told."""
    seen = torch.full((3, 8, 64, 64), 0.75)
    return Task(torch.zeros(3, 9, 64, 64), seen, 16, "a", 0, ("b", "c"))


@pytest.fixture
def make_loop():
    """A maker of loops over the fakes: policy, budget, reviser."""

    def make(policy, budget=None, reviser=None):
        return PredictVerifyLoop(FakeWorld(), FakeVerifier(), policy, budget or Budget(attempts=9), reviser=reviser)

    return make
