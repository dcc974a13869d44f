"""8-bit weights: what is stored beside them, and the values they stand for.

A scaled weight is w = stored × scale, with one scale for the tensor or one for each output channel. ComfyUI writes the
scale as `scale_weight` or `weight_scale`; the scale of a layer's input, which only 8-bit arithmetic needs, changes no
weight. float8 without a scale is a plain cast. Every other quantised format is refused by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.read import Weights, parse_object

SCALES = (".scale_weight", ".weight_scale")
# Of inputs, and the mark that a file has scales.
UNUSED = (".scale_input", ".input_scale", "scaled_fp8")
FORMAT = ".comfy_quant"
FORMATS = {"float8_e4m3fn", "float8_e5m2"}
OTHERS = {
    ".weight_scale_2": "NVFP4",
    ".weight_scale_inv": "float8 in blocks",
    ".weight_zero_point": "integers with zero points",
    ".absmax": "bitsandbytes",
    ".quant_map": "bitsandbytes",
    ".SCB": "bitsandbytes",
    ".qweight": "GPTQ or AWQ",
    ".qzeros": "GPTQ or AWQ",
    "._data": "optimum-quanto",
    ".wscales": "SVDQuant",
}
INSTEAD = "take the bfloat16 file of the release, or its float8 file with or without scales"
_FLOATS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}


@dataclass(frozen=True)
class Scales:
    """Keys that belong to other keys.

    Attributes:
        of: key of the scale by key of the weight.
        beside: all keys that are no weights themselves.
    """

    of: dict[str, str]
    beside: frozenset[str]


def scales_in(weights: Weights) -> Scales:
    """The scales of a file's weights.

    Raises:
        CheckpointError: naming the format, if the file is quantised in another way.
    """
    of = {}
    for key in weights:
        stem = next((key.removesuffix(end) for end in SCALES if key.endswith(end)), None)
        if stem is not None and f"{stem}.weight" in weights:
            of[f"{stem}.weight"] = key
    formats = {_format(weights, key) for key in weights if key.endswith(FORMAT)} | set(_stated(weights))
    if others := formats - FORMATS:
        raise CheckpointError(f"{weights.where} is quantised as {listed(others)}, which is not read; {INSTEAD}")
    for end, name in OTHERS.items():
        if any(key.endswith(end) for key in weights):
            raise CheckpointError(f"{weights.where} is quantised with {name} (…{end}), which is not read; {INSTEAD}")
    unused = (key for key in weights if key.endswith((*UNUSED, FORMAT)))
    return Scales(of, frozenset((*of.values(), *unused)))


def _format(weights: Weights, key: str) -> str:
    text = bytes(weights[key].to(torch.uint8).flatten().tolist()).decode(errors="replace")
    return str(parse_object(text, f"{key} of {weights.where}").get("format"))


def _stated(weights: Weights) -> Iterator[str]:
    """Formats that the header names for single layers."""
    text = weights.metadata.get("_quantization_metadata")
    layers = json.loads(text).get("layers", {}) if text else {}
    yield from (str(layer.get("format")) for layer in layers.values())


def check_stored(weights: Weights, keys: Iterable[str]) -> None:
    """Refuse matrices of integers or packed types, which are no weights by themselves.

    Raises:
        CheckpointError: with the type they are stored in.
    """
    for key in keys:
        if weights.dtype(key) not in _FLOATS and len(weights.shape(key)) > 1:
            raise CheckpointError(
                f"{key} of {weights.where} is stored as {weights.dtype(key)}, quantised in a way that the file does "
                f"not say; {INSTEAD}"
            )


def scaled(key: str, stored: Tensor, scale: Tensor) -> Tensor:
    """The weight, in float32.

    Raises:
        CheckpointError: if there is neither one scale nor one for each output channel.
    """
    factor = scale.float()
    if factor.numel() == 1:
        return stored.float() * factor.reshape(())
    if factor.numel() == len(stored) == factor.shape[0]:
        return stored.float() * factor.reshape(-1, *(1,) * (stored.ndim - 1))
    raise CheckpointError(
        f"expected one scale for {key}, or one for each of its {len(stored)} output channels, "
        f"got {tuple(scale.shape)}; {INSTEAD}"
    )
