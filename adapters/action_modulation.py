"""Actions in the timestep modulation of the tokens that they change."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adapters.action_steps import ActionConfig, StepEncoder, require_actions
from adapters.actions import ROUNDING, ActionSequence
from adapters.base import AbstractAdapter
from adapters.types import Conditioning, TargetOffsets, VLMFeatures


@dataclass(frozen=True)
class ActionModulationConfig(ActionConfig):
    """Configuration of `ActionModulationAdapter`.

    Args:
        embedding: width of the transformer, whose timestep embedding is added to.
    """

    embedding: int


class ActionModulationAdapter(AbstractAdapter):
    """A vector for each latent frame to predict: the sum over the steps that begin to act within it.

    It is added to the timestep embedding of the frame's tokens, which costs a row of conditioning per frame. Frames
    without a step, and all of them at the start, have zero.
    """

    config: ActionModulationConfig
    reads = frozenset({"actions"})

    def __init__(self, config: ActionModulationConfig) -> None:
        super().__init__()
        self.config = config
        self.steps = StepEncoder(config)
        self.out = nn.Linear(config.width, config.embedding, bias=False)
        nn.init.zeros_(self.out.weight)

    @property
    def provides(self) -> frozenset[str]:
        """Offsets of the timestep embedding."""
        return frozenset({"modulation"})

    def attach(self, transformer: nn.Module) -> None:
        """Refuse a transformer of another width.

        Raises:
            ValueError: naming both widths.
        """
        super().attach(transformer)
        width = transformer.config.width  # type: ignore[union-attr]
        if width != self.config.embedding:
            raise ValueError(
                f"expected a transformer of width {self.config.embedding}, which this adapter was trained for, "
                f"got one of {width}"
            )

    def forward(
        self,
        features: VLMFeatures | None,
        targets: Float[Tensor, "batch axis=3 token"],
        actions: ActionSequence | None = None,
    ) -> Conditioning:
        """A vector per latent frame; targets of all clips begin at the same times."""
        actions = require_actions(actions, self.config.space)
        starts, frames = torch.unique(targets[0, 0], return_inverse=True)
        seconds = starts[0] + actions.seconds.to(targets)
        frame = torch.bucketize(seconds + ROUNDING, starts, right=True) - 1  # −1: before all of them
        since = seconds - starts[frame.clamp(min=0)]
        states = self.out(self.steps(actions, since[None].expand(len(actions), -1)))
        member = frame[:, None] == torch.arange(len(starts), device=frame.device)
        vectors = torch.einsum("bsw,sf->bfw", states, member.to(states.dtype))
        return Conditioning(modulation=TargetOffsets(vectors, frames[None].expand(len(targets), -1)))
