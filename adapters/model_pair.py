"""The vision-language model and the LTX release that an adapter joins, and the refusal of any other."""

from __future__ import annotations

from dataclasses import dataclass, fields

from adapters.types import VLMFeatures


@dataclass(frozen=True)
class ModelPair:
    """The two models between which an adapter was trained.

    Args:
        vlm: name of the vision-language model.
        vlm_hidden_size: width of its hidden states.
        vlm_vision_size: width of its vision tower before the merger.
        vlm_layers: which hidden states are read, in the order of `VLMFeatures.tokens`.
        ltx: name of the LTX release.
        latent_channels: channels of its latents.
        caption_channels: width of the context its transformer reads.
    """

    vlm: str
    vlm_hidden_size: int
    vlm_vision_size: int
    vlm_layers: tuple[int, ...]
    ltx: str
    latent_channels: int
    caption_channels: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "vlm_layers", tuple(self.vlm_layers))
        if not self.vlm_layers:
            raise ValueError("expected at least one VLM layer to read, got none")
        for name in ("vlm_hidden_size", "vlm_vision_size", "latent_channels", "caption_channels"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of at least 1, got {getattr(self, name)}")

    def require(self, other: ModelPair) -> None:
        """Refuse models other than those this adapter was trained for.

        Raises:
            ValueError: naming every property that differs.
        """
        differing = [
            f"{f.name.replace('_', ' ')} {getattr(self, f.name)!r}, not {getattr(other, f.name)!r}"
            for f in fields(self)
            if getattr(self, f.name) != getattr(other, f.name)
        ]
        if differing:
            raise ValueError(
                f"this adapter joins {self.vlm} to {self.ltx} and cannot join {other.vlm} to {other.ltx}: "
                f"it expects {'; '.join(differing)}. Load the adapter trained for these models, or train one"
            )

    def check(self, features: VLMFeatures) -> None:
        """Refuse features of another width or number of layers.

        Raises:
            ValueError: naming the VLM expected and the sizes that came.
        """
        layers, width = features.tokens.shape[1], features.tokens.shape[3]
        expected = (len(self.vlm_layers), self.vlm_hidden_size, self.vlm_vision_size)
        received = (layers, width, features.patches.shape[2])
        if expected != received:
            names = ("layers", "hidden size", "vision size")
            wrong = [
                f"{name} {want}, got {came}"
                for name, want, came in zip(names, expected, received, strict=True)
                if want != came
            ]
            raise ValueError(f"expected features of {self.vlm} with {'; '.join(wrong)}")
