"""Predict, verify, decide: moves, policies as pure functions, budgets, and the record of every attempt."""

from foresight.loop.attempt import Attempt, Task
from foresight.loop.budget import Budget, Cost
from foresight.loop.loop import PredictVerifyLoop, drive
from foresight.loop.policies import Abstain, Accept, Best, Chain, Compare, Conform, Refine, Reground, Resample, Revise
from foresight.loop.policies.base import JudgedAttempt, Policy, Situation
from foresight.loop.policies.moves import Condition, Continue, GiveUp, Move, Renoise, Reword, Sample, Step, Take
from foresight.loop.replay import differences, replay
from foresight.loop.runner import Actor, AttemptRunner
from foresight.loop.trace import Trace

__all__ = [
    "Abstain",
    "Accept",
    "Actor",
    "Attempt",
    "AttemptRunner",
    "Best",
    "Budget",
    "Chain",
    "Compare",
    "Condition",
    "Conform",
    "Continue",
    "Cost",
    "GiveUp",
    "JudgedAttempt",
    "Move",
    "Policy",
    "PredictVerifyLoop",
    "Refine",
    "Reground",
    "Renoise",
    "Resample",
    "Revise",
    "Reword",
    "Sample",
    "Situation",
    "Step",
    "Take",
    "Task",
    "Trace",
    "differences",
    "drive",
    "replay",
]
