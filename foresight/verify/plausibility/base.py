"""The interface of a plausibility."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Prospect

# Normalised latents have deviation 1; distances below a hundredth of it are rounding.
SMALL = 1e-2


class AbstractPlausibility(ABC):
    """One figure per candidate. Which direction means "right" is for the verifier to learn.

    To add one, put a file with a subclass into this folder: its `name` then works in every configuration.
    """

    name: str
    needs: frozenset[str] = frozenset()
    """What must be gathered besides videos and latents: "prospect_flow"."""

    @abstractmethod
    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """The figure of each candidate, computed for the whole batch where the prospect is."""


def distances(
    latents: Float[Tensor, "batch candidate channel latent_frame row column"],
) -> Float[Tensor, "batch candidate"]:
    """Mean root mean square distance of each candidate to the others; 0 for a single one."""
    flat = latents.flatten(2)
    between = (flat[:, :, None] - flat[:, None]).square().mean(dim=3).sqrt()
    return between.sum(dim=2) / max(1, between.shape[2] - 1)
