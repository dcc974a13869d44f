"""Linear layers that multiply in eight bits, by torchao; imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


def quantise(blocks: nn.Module, storage: str) -> None:
    """Let torchao take over the linear layers of a network: weights in eight bits, with a scale for each output.

    "int8-torchao" stores the weights in eight bits and multiplies in the type of the inputs. "float8-torchao" rounds
    the inputs of each layer too, row by row, and multiplies in float8.

    Args:
        blocks: changed in place.
        storage: "int8-torchao" or "float8-torchao".
    """
    from torchao.quantization import (
        Float8DynamicActivationFloat8WeightConfig,
        Int8WeightOnlyConfig,
        PerRow,
        quantize_,
    )

    kinds: dict[str, Callable[[], Any]] = {
        "int8-torchao": Int8WeightOnlyConfig,
        "float8-torchao": lambda: Float8DynamicActivationFloat8WeightConfig(granularity=PerRow()),
    }
    quantize_(blocks, kinds[storage]())
