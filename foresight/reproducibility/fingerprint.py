"""Hashes of what a computed thing depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from torch import nn

from foresight.reproducibility.tensor_tree import content_bytes
from ltx.offload import at_rest, working_state


def fingerprint(recipe: dict[str, Any]) -> str:
    """SHA-256 of a JSON-able recipe, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def weights_fingerprint(model: nn.Module) -> str:
    """SHA-256 of a model's parameters and buffers, as they are computed with, with their names, types and shapes."""
    digest = hashlib.sha256()
    for name, tensor in working_state(model):
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(content_bytes(tensor.cpu()))
    at_rest(model)
    return digest.hexdigest()


def differences(expected: dict[str, Any], found: dict[str, Any], prefix: str = "") -> list[str]:
    """The entries in which two recipes differ, as readable lines."""
    lines: list[str] = []
    for key in sorted(expected.keys() | found.keys()):
        name = f"{prefix}{key}"
        ours, theirs = expected.get(key), found.get(key)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            lines += differences(ours, theirs, f"{name}.")
        elif ours != theirs:
            lines.append(f"{name} is {ours!r} now, {theirs!r} before")
    return lines
