"""Architecture numbers of a VAE, in the vocabulary of the official checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

STRIDES: dict[str, tuple[int, int, int]] = {
    "compress_time": (2, 1, 1),
    "compress_space": (1, 2, 2),
    "compress_all": (2, 2, 2),
}
"""Factors (time, height, width) of the resampling blocks."""

_CONSTANTS: dict[str, Any] = {
    "_class_name": "CausalVideoAutoencoder",
    "dims": 3,
    "in_channels": 3,
    "out_channels": 3,
    "norm_layer": "pixel_norm",
    "latent_log_var": "uniform",
    "use_quant_conv": False,
    "causal_decoder": False,
    "scaling_factor": 1.0,
    "normalize_latent_channels": False,
    "spatial_padding_mode": "zeros",
}
"""What every release shares. Another value would be another network, so it is refused."""


@dataclass(frozen=True)
class BlockSpec:
    """One entry of a block list: `[name, parameters]` in the checkpoint."""

    kind: str
    """`res_x`, `res_x_y`, or `compress_{time,space,all}`, the latter also with `_res` in an encoder."""
    num_layers: int = 1
    """Residual blocks of a `res_x`."""
    inject_noise: bool = False
    """Whether the residual blocks of a decoder's `res_x` add noise."""
    residual: bool = False
    """Whether a decoder's upsampler adds a shortcut."""
    multiplier: int = 1
    """Change of width: wider in an encoder, narrower in a decoder."""

    @classmethod
    def parse(cls, entry: Sequence[Any]) -> BlockSpec:
        """From `[name, number]` (a number of layers) or `[name, {parameter: value}]`.

        Raises:
            ValueError: if the name or a parameter is unknown.
        """
        kind, parameters = entry
        if isinstance(parameters, int):
            parameters = {"num_layers": parameters}
        base = kind.removesuffix("_res")
        if base not in {*STRIDES, "res_x", "res_x_y"} or kind in {"res_x_res", "res_x_y_res"}:
            raise ValueError(
                f"expected res_x, res_x_y or compress_{{time,space,all}}[_res], got the VAE block {kind!r}"
            )
        known = {"num_layers", "inject_noise", "residual", "multiplier"}
        if unknown := set(parameters) - known:
            raise ValueError(f"expected parameters out of {sorted(known)} for {kind}, got {sorted(unknown)}")
        default = {"res_x_y": 2, **{f"{name}_res": 2 for name in STRIDES}}.get(kind, 1)
        return cls(kind=kind, **{"multiplier": default, **parameters})

    def entry(self) -> list[Any]:
        """As the checkpoint lists it."""
        parameters: dict[str, Any] = {"num_layers": self.num_layers}
        if self.kind == "res_x":
            parameters["inject_noise"] = self.inject_noise
        elif self.kind == "res_x_y":
            parameters = {"multiplier": self.multiplier}
        else:
            parameters = {"residual": self.residual, "multiplier": self.multiplier}
        return [self.kind, parameters]

    @property
    def stride(self) -> tuple[int, int, int]:
        """Resampling factors (time, height, width); ones for residual blocks."""
        return STRIDES.get(self.kind.removesuffix("_res"), (1, 1, 1))


@dataclass(frozen=True)
class VAEConfig:
    """Shape of a VAE. Block lists are in encoder order; the decoder reads its list from the end.

    Raises:
        ValueError: if a number of channels or the patch size is no whole number from 1.
    """

    encoder_blocks: tuple[BlockSpec, ...]
    decoder_blocks: tuple[BlockSpec, ...]
    encoder_base_channels: int = 128
    decoder_base_channels: int = 128
    latent_channels: int = 128
    patch_size: int = 4
    timestep_conditioning: bool = False

    def __post_init__(self) -> None:
        for name in ("encoder_base_channels", "decoder_base_channels", "latent_channels", "patch_size"):
            if not isinstance(number := getattr(self, name), int) or number < 1:
                raise ValueError(f"expected {name} as a whole number from 1 in the VAE config, got {number!r}")

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> VAEConfig:
        """From the official `vae` object.

        Raises:
            ValueError: if a field is unknown, missing, or has a value that no release has.
        """
        fields = dict(fields)
        for name, value in _CONSTANTS.items():
            if (given := fields.pop(name, value)) != value:
                raise ValueError(f"expected {name} = {value!r} in the VAE config, got {given!r}")
        if "blocks" in fields:
            fields["encoder_blocks"] = fields["decoder_blocks"] = fields.pop("blocks")
        known = set(cls.__dataclass_fields__)
        if unknown := set(fields) - known:
            raise ValueError(f"unknown fields in the VAE config: {sorted(unknown)}; known are {sorted(known)}")
        if missing := {"encoder_blocks", "decoder_blocks"} - set(fields):
            raise ValueError(f"missing fields in the VAE config: {sorted(missing)}")
        for name in ("encoder_blocks", "decoder_blocks"):
            fields[name] = tuple(BlockSpec.parse(entry) for entry in fields[name])
        return cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """The official `vae` object."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("encoder_blocks", "decoder_blocks"):
            own[name] = [spec.entry() for spec in own[name]]
        return {**_CONSTANTS, **own}

    @property
    def decoder_width(self) -> int:
        """Channels at the decoder's input."""
        return self.decoder_base_channels * prod(spec.multiplier for spec in self.decoder_blocks)

    @property
    def compression(self) -> tuple[int, int, int]:
        """Factors (time, height, width) from pixels to latents, patchify included."""
        time, height, width = (prod(spec.stride[axis] for spec in self.encoder_blocks) for axis in range(3))
        return time, height * self.patch_size, width * self.patch_size
