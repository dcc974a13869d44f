"""Several adapters as one: each contributes what it declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.model_pair import ModelPair
from adapters.types import Conditioning, VLMFeatures


@dataclass(frozen=True)
class ComposeConfig:
    """Configuration of `ComposedAdapter`.

    Args:
        parts: configurations of the adapters, each of another kind of output.
    """

    parts: tuple[Any, ...]

    @property
    def pairing(self) -> ModelPair:
        """The models that all parts join."""
        pairing: ModelPair = self.parts[0].pairing
        return pairing


class ComposedAdapter(AbstractAdapter):
    """Adapters side by side, reading the same features.

    Args:
        config: what they were made from.
        parts: the adapters.

    Raises:
        ValueError: if there is none, if two provide the same kind of output, or if they join different models.
    """

    def __init__(self, config: ComposeConfig, parts: list[AbstractAdapter]) -> None:
        super().__init__()
        if not parts:
            raise ValueError("expected at least one adapter to compose, got none")
        provided = [kind for part in parts for kind in sorted(part.provides)]
        twice = sorted({kind for kind in provided if provided.count(kind) > 1})
        if twice:
            raise ValueError(f"expected adapters with different outputs, got two that provide {', '.join(twice)}")
        for part in parts[1:]:
            parts[0].pairing.require(part.pairing)
        self.config = config
        self.parts = nn.ModuleList(parts)

    @property
    def provides(self) -> frozenset[str]:
        """All that the parts provide."""
        return frozenset().union(*(part.provides for part in self._adapters()))

    @property
    def replaces_text(self) -> bool:
        """True if a part's tokens do."""
        return any(part.replaces_text for part in self._adapters())

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """The parts' conditioning in one record."""
        merged = Conditioning()
        for part in self._adapters():
            one = part(features, targets)
            merged = Conditioning(
                forecast=one.forecast or merged.forecast,
                context=one.context or merged.context,
                reference=one.reference or merged.reference,
            )
        return merged

    def _adapters(self) -> list[AbstractAdapter]:
        return [part for part in self.parts if isinstance(part, AbstractAdapter)]
