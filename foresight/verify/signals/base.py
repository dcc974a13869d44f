"""The interface of a signal."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need
from foresight.verify.evidence.records import Evidence

# Distances below this share of the picture's scale are no distances: 1e-4 is 40 dB.
FLOOR = 1e-4


class AbstractSignal(ABC):
    """One figure per clip. Which direction means "right" is for the verifier to learn.

    To add one, put a file with a subclass into this folder: its `name` then works in every configuration.
    """

    name: str
    needs: frozenset[Need] = frozenset()
    """Evidence besides videos and latents."""

    @abstractmethod
    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """The signal of each clip, computed for the whole batch where the evidence is."""

    def absent(self) -> str | None:
        """The reason that it cannot be measured on this machine; None if it can."""
        return None
