"""Revisers: what was really done, judging by what was seen. Model-agnostic; one file each."""

from foresight.loop.revisers.answering import AnsweringReviser
from foresight.loop.revisers.base import Case, Reviser, ScoringReviser
from foresight.loop.revisers.judging import JudgingReviser
from foresight.loop.revisers.likelihood import LikelihoodReviser

__all__ = ["AnsweringReviser", "Case", "JudgingReviser", "LikelihoodReviser", "Reviser", "ScoringReviser"]
