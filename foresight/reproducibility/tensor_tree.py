"""Nested Python data with tensors, as plain tensors plus JSON: what a checkpoint holds, with no pickle anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import torch
from torch import Tensor

_TAG = "$"


def flatten(tree: Any) -> tuple[str, dict[str, Tensor]]:
    """Split a tree into JSON text and named tensors.

    Understood are None, booleans, numbers, strings, enums (as their value), lists, tuples, mappings with any of these
    scalars as keys, and tensors. Tensors that share memory and layout are written once.

    Raises:
        ValueError: if the tree holds anything else; the message names the place.
    """
    tensors: dict[str, Tensor] = {}
    seen: dict[tuple[Any, ...], str] = {}

    def encode(node: Any, path: str) -> Any:
        if isinstance(node, Enum):
            node = node.value
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if isinstance(node, Tensor):
            return {_TAG: "tensor", "name": name_of(node.detach(), path)}
        if isinstance(node, Mapping):
            items = [(k.value if isinstance(k, Enum) else k, v) for k, v in node.items()]
            encoded = [(key, encode(value, f"{path}/{key}")) for key, value in items]
            if all(isinstance(key, str) and key != _TAG for key, _ in items):
                return dict(encoded)
            return {_TAG: "mapping", "items": [[encode(key, path), value] for key, value in encoded]}
        if isinstance(node, tuple):
            return {_TAG: "tuple", "items": [encode(value, f"{path}/{i}") for i, value in enumerate(node)]}
        if isinstance(node, list):
            return [encode(value, f"{path}/{i}") for i, value in enumerate(node)]
        raise ValueError(
            f"expected numbers, strings, lists, mappings or tensors in a checkpoint; {path} is a {type(node).__name__}"
        )

    def name_of(tensor: Tensor, path: str) -> str:
        key = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.device)
        if not tensor.numel() or key not in seen:
            seen[key] = path
            tensors[path] = tensor.cpu().contiguous()
        return seen[key]

    return json.dumps(encode(tree, "")), tensors


def unflatten(text: str, tensors: Mapping[str, Tensor]) -> Any:
    """Inverse of `flatten`; every occurrence of a shared tensor gets its own memory.

    Raises:
        ValueError: if the text is not such a tree or names a tensor that is not there.
    """
    used: set[str] = set()

    def decode(node: Any) -> Any:
        if isinstance(node, list):
            return [decode(value) for value in node]
        if not isinstance(node, dict):
            return node
        match node.get(_TAG):
            case None:
                return {key: decode(value) for key, value in node.items()}
            case "tensor":
                name = node["name"]
                tensor = tensors[name].clone() if name in used else tensors[name]
                used.add(name)
                return tensor
            case "tuple":
                return tuple(decode(value) for value in node["items"])
            case "mapping":
                return {key: decode(value) for key, value in node["items"]}
            case tag:
                raise ValueError(f"unknown kind of node {tag!r}")

    try:
        return decode(json.loads(text))
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected a tensor tree, got one that is damaged at {error}") from error


def content_bytes(tensor: Tensor) -> memoryview:
    """The raw bytes of a CPU tensor, for checksums."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data
