"""Rectified flow in five steps: path → schedule → denoise → sample → guide.

A path joins clean latents to noise in a straight line (`path`); a schedule lists the times at which to stop on the way
back (`schedule`); a denoiser predicts the line's direction; a sampler walks along it (`sampler`); guidance wraps a
denoiser and bends the direction (`guidance`). Training draws its noise levels from `training`.
"""

from ltx.flow.guidance import BranchDenoiser, Branches, GuidedDenoiser, combine
from ltx.flow.guidance_schedule import Guidance, GuidanceSchedule
from ltx.flow.noise import Generators, draw_noise, seeded
from ltx.flow.path import (
    clean_from_velocity,
    interpolate,
    velocity_between,
)
from ltx.flow.sampler import Denoiser, Progress, StepRule, StochasticStep, euler_step, next_times, sample
from ltx.flow.scheduler import SchedulerConfig
from ltx.flow.skip_mode import SkipMode
from ltx.flow.training import (
    AbstractSigmaDistribution,
    MixedSigma,
    ShiftedLogitNormal,
    StretchedLogitNormal,
    TrainingSample,
    UniformSigma,
    noised,
)

__all__ = [
    "AbstractSigmaDistribution",
    "BranchDenoiser",
    "Branches",
    "Denoiser",
    "Generators",
    "Guidance",
    "GuidanceSchedule",
    "GuidedDenoiser",
    "MixedSigma",
    "Progress",
    "SchedulerConfig",
    "ShiftedLogitNormal",
    "SkipMode",
    "StepRule",
    "StochasticStep",
    "StretchedLogitNormal",
    "TrainingSample",
    "UniformSigma",
    "clean_from_velocity",
    "combine",
    "draw_noise",
    "euler_step",
    "interpolate",
    "next_times",
    "noised",
    "sample",
    "seeded",
    "velocity_between",
]
