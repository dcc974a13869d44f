"""Predict, verify, decide: policies as pure functions, budgets, and the record of every attempt."""

from foresight.loop.loop import PredictVerifyLoop
from foresight.loop.policy import Budget, Compare, Judged, Once, Policy, Resample, Spent, Step
from foresight.loop.trace import Attempt, Trace

__all__ = [
    "Attempt",
    "Budget",
    "Compare",
    "Judged",
    "Once",
    "Policy",
    "PredictVerifyLoop",
    "Resample",
    "Spent",
    "Step",
    "Trace",
]
