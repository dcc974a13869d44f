"""The one interface behind which every adapter stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from adapters.lora import LowRankUpdates
from adapters.model_pair import ModelPair
from adapters.types import Conditioning, VLMFeatures


class AbstractAdapter(nn.Module, ABC):
    """Turns VLM features into conditioning of the video model.

    `config` is a frozen dataclass with a `pairing`.
    """

    config: Any

    @property
    def pairing(self) -> ModelPair:
        """The models this adapter joins."""
        pairing: ModelPair = self.config.pairing
        return pairing

    @property
    @abstractmethod
    def provides(self) -> frozenset[str]:
        """Names of what the conditioning will hold, out of "forecast", "context" and "reference"."""

    @abstractmethod
    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """Conditioning for predicting latents at the given places.

        Args:
            features: what the VLM made of the context clip and the instruction.
            targets: seconds, pixel rows and pixel columns of the start of each latent token to predict, on the same
                clock as the features.

        Raises:
            ValueError: if the features are not of the VLM this adapter was made for.
        """

    @property
    def replaces_text(self) -> bool:
        """True if its context tokens stand in place of the text's, so that no text encoder is needed."""
        return False

    def attach(self, transformer: nn.Module) -> None:
        """Let the transformer compute with the low-rank updates of this adapter, if it has any.

        Raises:
            ValueError: if they were made for another transformer.
        """
        for module in self.modules():
            if isinstance(module, LowRankUpdates):
                module.attach(transformer)

    def detach(self) -> None:
        """Leave the transformer as it was before `attach`."""
        for module in self.modules():
            if isinstance(module, LowRankUpdates):
                module.detach()
