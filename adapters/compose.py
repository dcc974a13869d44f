"""Several adapters as one: each contributes what it declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from adapters.actions import ActionSequence, ActionSpace
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
    """Adapters side by side, reading the same features and actions.

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
        provided = [kind for part in parts if not part.appends for kind in sorted(part.provides)]
        twice = sorted({kind for kind in provided if provided.count(kind) > 1})
        if twice:
            raise ValueError(f"expected adapters with different outputs, got two that provide {', '.join(twice)}")
        for part in parts[1:]:
            parts[0].pairing.require(part.pairing)
        spaces = {part.space for part in parts if part.space is not None}
        if len(spaces) > 1:
            raise ValueError(f"expected parts that read the same actions, got {len(spaces)} spaces")
        self.config = config
        self.parts = nn.ModuleList(parts)

    @property
    def provides(self) -> frozenset[str]:
        """All that the parts provide."""
        return frozenset().union(*(part.provides for part in self._adapters()))

    @property
    def reads(self) -> frozenset[str]:  # type: ignore[override]
        """All that the parts read."""
        return frozenset().union(*(part.reads for part in self._adapters()))

    @property
    def space(self) -> ActionSpace | None:
        """The actions that parts read."""
        return next((part.space for part in self._adapters() if part.space is not None), None)

    def attach(self, transformer: nn.Module) -> None:
        """Attach every part.

        Raises:
            ValueError: as the parts'.
        """
        for part in self._adapters():
            part.attach(transformer)

    @property
    def replaces_text(self) -> bool:
        """True if a part's tokens do."""
        return any(part.replaces_text for part in self._adapters())

    def forward(
        self,
        features: VLMFeatures | None,
        targets: Float[Tensor, "batch axis=3 token"],
        actions: ActionSequence | None = None,
    ) -> Conditioning:
        """The parts' conditioning in one record."""
        merged = Conditioning()
        for part in sorted(self._adapters(), key=lambda part: part.appends):
            one = part(features, targets, actions)
            context = one.context or merged.context
            if one.context is not None and merged.context is not None:
                context = merged.context.followed_by(one.context)
            merged = Conditioning(
                forecast=one.forecast or merged.forecast,
                context=context,
                reference=one.reference or merged.reference,
                modulation=one.modulation or merged.modulation,
            )
        return merged

    def _adapters(self) -> list[AbstractAdapter]:
        return [part for part in self.parts if isinstance(part, AbstractAdapter)]
