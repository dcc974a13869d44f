"""Predict, verify, decide: moves, policies as pure functions, budgets, and the record of every attempt."""

from foresight.loop.attempt import Attempt, Task
from foresight.loop.budget import Budget, Cost, Spent
from foresight.loop.imagination import Actor, Imagination
from foresight.loop.loop import PredictVerifyLoop, drive
from foresight.loop.moves import Continue, Draw, Fit, GiveUp, Move, Renoise, Reword, Step, Take
from foresight.loop.policies import Abstain, Accept, Best, Compare, Conform, Refine, Reground, Resample, Revise
from foresight.loop.policy import Chain, Judged, Policy, Situation
from foresight.loop.replay import differences, replay
from foresight.loop.trace import Trace

__all__ = [
    "Abstain",
    "Accept",
    "Actor",
    "Attempt",
    "Best",
    "Budget",
    "Chain",
    "Compare",
    "Conform",
    "Continue",
    "Cost",
    "Draw",
    "Fit",
    "GiveUp",
    "Imagination",
    "Judged",
    "Move",
    "Policy",
    "PredictVerifyLoop",
    "Refine",
    "Reground",
    "Renoise",
    "Resample",
    "Revise",
    "Reword",
    "Situation",
    "Spent",
    "Step",
    "Take",
    "Task",
    "Trace",
    "differences",
    "drive",
    "replay",
]
