"""In-context conditioning: VLM tokens become reference tokens of the video sequence, beside a LoRA that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.lora import LoRAConfig, LowRankUpdates
from adapters.pairing import Pairing
from adapters.reader import LayerSum, last_token
from adapters.types import Conditioning, ReferenceTokens, VLMFeatures
from ltx.shapes import SPACE


@dataclass(frozen=True)
class ICLoRAConfig:
    """Configuration of `ICLoRAAdapter`.

    Args:
        pairing: the models it joins.
        width: hidden channels of the projection.
        timestep: the noise level σ in [0, 1] that the transformer is told for the reference tokens.
        lora: the low-rank updates of the transformer.
    """

    pairing: Pairing
    width: int
    timestep: float
    lora: LoRAConfig


class ICLoRAAdapter(AbstractAdapter):
    """Each vision token, together with the state of the prompt's last token, becomes one reference token in its place.

    Words that stand after the clip in the prompt are unknown to its vision states; the last token's state has read all.
    """

    def __init__(self, config: ICLoRAConfig) -> None:
        super().__init__()
        if not 0 <= config.timestep <= 1:
            raise ValueError(f"expected a timestep of the reference tokens in [0, 1], got {config.timestep}")
        self.config = config
        size = config.pairing.vlm_hidden_size
        self.layer_sum = LayerSum(len(config.pairing.vlm_layers))
        self.seen = nn.Linear(size, config.width)
        self.said = nn.Linear(size, config.width, bias=False)
        self.out = nn.Sequential(nn.GELU(), nn.Linear(config.width, config.pairing.latent_channels))
        self.lora = LowRankUpdates(config.lora)

    @property
    def pairing(self) -> Pairing:
        """The models this adapter joins."""
        return self.config.pairing

    @property
    def provides(self) -> frozenset[str]:
        """Reference tokens."""
        return frozenset({"reference"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """Reference tokens; the targets' places do not matter here.

        Raises:
            ValueError: if the clips of the batch have different numbers of vision tokens.
        """
        self.pairing.check(features)
        counts = features.vision.sum(dim=1)
        if not bool((counts == counts[0]).all()):
            raise ValueError(f"expected clips with equally many vision tokens in one batch, got {counts.tolist()}")
        states = self.layer_sum(features.tokens)
        said = self.said(last_token(states, features))
        seen = rearrange(states[features.vision], "(b n) d -> b n d", b=len(features))
        places = rearrange(features.coordinates, "b a n -> b n a")[features.vision]
        corner = rearrange(places, "(b n) a -> b a n", b=len(features))
        corner = corner - corner.new_tensor([0.0, SPACE / 2, SPACE / 2])[:, None]
        tokens = self.out(self.seen(seen) + said[:, None])
        return Conditioning(reference=ReferenceTokens(tokens, corner, self.config.timestep))
