"""Actions as tokens of the video sequence, each at its own time, and a LoRA that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from adapters.action_steps import ActionConfig, StepEncoder, require_actions
from adapters.actions import ActionSequence
from adapters.base import AbstractAdapter
from adapters.lora import LoRAConfig, LowRankUpdates
from adapters.types import Conditioning, ReferenceChanges, VLMFeatures


@dataclass(frozen=True)
class ActionReferenceConfig(ActionConfig):
    """Configuration of `ActionReferenceAdapter`.

    Args:
        lora: the low-rank updates of the transformer.
    """

    lora: LoRAConfig


class ActionReferenceAdapter(AbstractAdapter):
    """One reference token per step, at the step's time and in the middle of the picture.

    A frozen transformer reads latents: a token is the given latent nearest to the middle, changed by what the step's
    numbers say. Changes and updates start at zero.
    """

    config: ActionReferenceConfig
    reads = frozenset({"actions"})

    def __init__(self, config: ActionReferenceConfig) -> None:
        super().__init__()
        self.config = config
        self.steps = StepEncoder(config)
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.out = nn.Linear(config.width, config.pairing.latent_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.lora = LowRankUpdates(config.lora)

    @property
    def provides(self) -> frozenset[str]:
        """Reference tokens."""
        return frozenset({"reference"})

    def forward(
        self,
        features: VLMFeatures | None,
        targets: Float[Tensor, "batch axis=3 token"],
        actions: ActionSequence | None = None,
    ) -> Conditioning:
        """Changes of the latent in the middle, one for each step, at the time of the step."""
        actions = require_actions(actions, self.config.space)
        changes = self.out(self.norm(self.steps(actions)))
        start = targets[:, 0].amin(dim=1)
        middle = targets[:, 1:].mean(dim=2)
        seconds = start[:, None] + actions.seconds.to(targets)
        # Copied is the given latent nearest to the middle of the picture at the last given moment.
        places = targets.new_zeros(len(targets), 3, actions.steps)
        places[:, 0], places[:, 1:] = start[:, None], middle[:, :, None]
        return Conditioning(reference=ReferenceChanges(changes, places, 0.0, 0.0, seconds))
