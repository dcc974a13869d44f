"""Architecture of the transformer, read from and written to the two published configuration vocabularies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

OFFICIAL_CLASS = "Transformer3DModel"
DIFFUSERS_CLASS = "LTXVideoTransformer3DModel"

# What the official configuration can say but no LTX-Video release varies. A file that says otherwise is another model.
OFFICIAL_CONSTANTS: dict[str, Any] = {
    "_class_name": OFFICIAL_CLASS,
    "activation_fn": "gelu-approximate",
    "adaptive_norm": "single_scale_shift",
    "attention_bias": True,
    "attention_type": "default",
    "double_self_attention": False,
    "dropout": 0.0,
    "norm_elementwise_affine": False,
    "norm_num_groups": 32,
    "num_embeds_ada_norm": 1000,
    "num_vector_embeds": None,
    "only_cross_attention": False,
    "positional_embedding_type": "rope",
    "project_to_2d_pos": True,
    "qk_norm": "rms_norm",
    "standardization_norm": "rms_norm",
    "upcast_attention": False,
    "use_linear_projection": False,
}

DIFFUSERS_CONSTANTS: dict[str, Any] = {
    "_class_name": DIFFUSERS_CLASS,
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_out_bias": True,
    "norm_elementwise_affine": False,
    "patch_size": 1,
    "patch_size_t": 1,
    "qk_norm": "rms_norm_across_heads",
}

# Written into the diffusers class, not into its configuration.
DIFFUSERS_IMPLIED: dict[str, Any] = {
    "positional_embedding_theta": 10_000.0,
    "positional_embedding_max_pos": (20.0, 2048.0, 2048.0),
    "timestep_scale_multiplier": 1000.0,
    "causal_temporal_positioning": False,
}


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Sizes and constants of a `VideoTransformer`, in the official spellings.

    Args:
        in_channels: channels of a latent token.
        out_channels: channels of a velocity token.
        num_layers: blocks.
        num_attention_heads: heads of both attentions.
        attention_head_dim: channels of a head.
        cross_attention_dim: width of the projected text, which is the transformer's width.
        caption_channels: width of the text states before projection.
        positional_embedding_theta: ratio of the highest to the lowest rotary frequency.
        positional_embedding_max_pos: seconds, pixel rows and pixel columns that map to the end of the rotary range.
        timestep_scale_multiplier: what timesteps in [0, 1] are multiplied by before they are embedded.
        causal_temporal_positioning: whether the model was trained with the causal frame positions (releases from 0.9.5
            on). The transformer does not use it: it tells callers how to make coordinates.
        norm_eps: of the norms of the residual stream.

    Raises:
        ValueError: if a size is not positive, or the widths do not fit together.
    """

    in_channels: int
    out_channels: int
    num_layers: int
    num_attention_heads: int
    attention_head_dim: int
    cross_attention_dim: int
    caption_channels: int
    positional_embedding_theta: float
    positional_embedding_max_pos: tuple[float, float, float]
    timestep_scale_multiplier: float
    causal_temporal_positioning: bool
    norm_eps: float

    def __post_init__(self) -> None:
        limits = tuple(float(limit) for limit in self.positional_embedding_max_pos)
        object.__setattr__(self, "positional_embedding_max_pos", limits)
        if len(limits) != 3:
            raise ValueError(f"expected three positional_embedding_max_pos (seconds, rows, columns), got {limits}")
        for name, value in asdict(self).items():
            numbers = value if isinstance(value, tuple) else (value,)
            if name != "causal_temporal_positioning" and not all(number > 0 for number in numbers):
                raise ValueError(f"expected {name} above 0, got {value}")
        if self.width % 2 or self.width < 6:
            raise ValueError(f"expected an even width of at least 6 (heads × head dim), got {self.width}")
        if self.cross_attention_dim != self.width:
            raise ValueError(
                f"expected cross_attention_dim to be the width that captions are projected to, "
                f"{self.num_attention_heads} × {self.attention_head_dim} = {self.width}, got {self.cross_attention_dim}"
            )

    @property
    def width(self) -> int:
        """Channels of the residual stream."""
        return self.num_attention_heads * self.attention_head_dim

    @classmethod
    def ltx_2b(cls, *, causal_temporal_positioning: bool) -> TransformerConfig:
        """The 2B model of 0.9.0–0.9.6 and 0.9.8; positions are causal from 0.9.5 on."""
        return _released(28, 64, causal_temporal_positioning)

    @classmethod
    def ltx_13b(cls) -> TransformerConfig:
        """The 13B model of 0.9.7 and 0.9.8."""
        return _released(48, 128, True)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TransformerConfig:
        """Read an official or a diffusers configuration; only the latter has a patch size.

        `causal_temporal_positioning` is false when absent, as the official reader has it. A diffusers configuration
        never has it unless it was written here: whoever knows the release (0.9.5 on) replaces the field.

        Raises:
            ValueError: naming every field that is missing or unknown, and every constant that differs from what this
                architecture implements.
        """
        diffusers = "patch_size" in values
        constants = DIFFUSERS_CONSTANTS if diffusers else OFFICIAL_CONSTANTS
        defaults = DIFFUSERS_IMPLIED if diffusers else {"causal_temporal_positioning": False}
        # Keys with an underscore say where a file comes from; only the class matters.
        given = {key: value for key, value in values.items() if key == "_class_name" or not key.startswith("_")}
        names = [field.name for field in fields(cls)]
        wrong = [
            f"{key}={given[key]!r} (expected {value!r})"
            for key, value in constants.items()
            if key in given and given[key] != value
        ]
        unknown = sorted(set(given) - set(names) - set(constants))
        missing = [name for name in names if name not in given and name not in defaults]
        for problem, found in (("unsupported", wrong), ("unknown", unknown), ("missing", missing)):
            if found:
                raise ValueError(f"{problem} fields in the transformer configuration: {', '.join(found)}")
        known = {**defaults, **{name: given[name] for name in names if name in given}}
        return cls(**{**known, "positional_embedding_max_pos": tuple(known["positional_embedding_max_pos"])})

    def to_dict(self) -> dict[str, Any]:
        """The official configuration, constants included; JSON-ready; `from_dict` reads it back."""
        values = asdict(self)
        values["positional_embedding_max_pos"] = list(self.positional_embedding_max_pos)
        return {**OFFICIAL_CONSTANTS, **values}

    def to_diffusers_dict(self) -> dict[str, Any]:
        """The diffusers configuration, with `causal_temporal_positioning` as an extra field that `from_dict` reads.

        Raises:
            ValueError: if a constant that diffusers hard-codes differs, so that it would load another model.
        """
        values = asdict(self)
        for name, expected in DIFFUSERS_IMPLIED.items():
            if name == "causal_temporal_positioning":
                continue
            if values.pop(name) != expected:
                raise ValueError(f"the diffusers class fixes {name} at {expected}, got {getattr(self, name)}")
        return {**DIFFUSERS_CONSTANTS, **values}


def _released(layers: int, head_dim: int, causal: bool) -> TransformerConfig:
    """A published size, with the fields that both have in common."""
    return TransformerConfig(
        in_channels=128,
        out_channels=128,
        num_layers=layers,
        num_attention_heads=32,
        attention_head_dim=head_dim,
        cross_attention_dim=32 * head_dim,
        caption_channels=4096,
        positional_embedding_theta=10_000.0,
        positional_embedding_max_pos=(20.0, 2048.0, 2048.0),
        timestep_scale_multiplier=1000.0,
        causal_temporal_positioning=causal,
        norm_eps=1e-6,
    )
