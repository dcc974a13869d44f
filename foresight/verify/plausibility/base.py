"""The interface of a plausibility."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need
from foresight.verify.evidence.records import PriorEvidence


class AbstractPlausibility(ABC):
    """One figure per candidate. Which direction means "right" is for the verifier to learn.

    To add one, put a file with a subclass into this folder: its `name` then works in every configuration.
    """

    name: str
    needs: frozenset[Need] = frozenset()
    """Evidence besides videos and latents."""

    @abstractmethod
    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """The figure of each candidate, computed for the whole batch where the evidence is."""
