"""Actions as tokens for the transformer's cross-attention, one for each step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adapters.action_steps import ActionConfig, StepEncoder
from adapters.actions import ActionSequence
from adapters.base import AbstractAdapter
from adapters.types import Conditioning, ContextTokens, VLMFeatures


@dataclass(frozen=True)
class ActionTokensConfig(ActionConfig):
    """Configuration of `ActionTokensAdapter`."""


class ActionTokensAdapter(AbstractAdapter):
    """Each step's numbers and time become a token behind the text's. At the start all tokens are zero."""

    config: ActionTokensConfig
    reads = frozenset({"actions"})
    appends = True

    def __init__(self, config: ActionTokensConfig) -> None:
        super().__init__()
        self.config = config
        self.steps = StepEncoder(config)
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.out = nn.Linear(config.width, config.pairing.caption_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @property
    def provides(self) -> frozenset[str]:
        """Context tokens."""
        return frozenset({"context"})

    def forward(
        self,
        features: VLMFeatures | None,
        targets: Float[Tensor, "batch axis=3 token"],
        actions: ActionSequence | None = None,
    ) -> Conditioning:
        """A token per step; features and places do not matter here."""
        tokens = self.out(self.norm(self.steps(actions)))
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        return Conditioning(context=ContextTokens(tokens, mask, "append"))
