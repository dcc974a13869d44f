"""Loading a model: build it without memory, match every key, assign what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.part import Part
from ltx.checkpoint.prefixes import first_model
from ltx.checkpoint.quantised import Scales, check_stored, scaled
from ltx.checkpoint.read import FLOAT8, Weights
from ltx.checkpoint.source import Source, open_part
from ltx.dtypes import working_dtype
from ltx.values import is_finite

_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class ConfigClass(Protocol):
    """A configuration class that reads the official fields."""

    def from_dict(self, fields: Mapping[str, Any], /) -> Any:
        """A configuration, or ValueError."""


Model = TypeVar("Model", bound=nn.Module)


def load_model(
    model_class: type[Model],
    config_class: ConfigClass,
    part: Part,
    where: str | Path,
    *,
    dtype: torch.dtype | str | None = None,
    device: torch.device | str = "cpu",
    revision: str | None = None,
) -> Model:
    """Read a model in evaluation mode from a file, a folder, a named model or a hub repository.

    Memory never holds more than the model and one tensor as it was stored.

    Args:
        model_class: called with the configuration; its parameter names are the official ones.
        config_class: reads the official fields.
        part: which part of the checkpoint.
        where: an official safetensors file, a folder (of the model or of the whole checkpoint, in diffusers or
            official names), the name of a released or embedded model, or a hub id.
        dtype: type of all floating weights, or its name; None is the type most of them are stored in, bfloat16 for
            float8 files.
        device: where to put the weights.
        revision: commit, tag or branch of a hub id.

    Raises:
        CheckpointError: naming the keys that are missing, left over, of another shape, or not finite; or saying why
            nothing could be read.
        ValueError: if the type is none to compute in.
    """
    target = working_dtype(dtype)
    source = open_part(where, part, device=device, revision=revision)
    config = source_config(source, config_class)
    with torch.device("meta"):
        model = model_class(config)
    names = source.names(config)
    check_names(
        source.weights,
        names,
        {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        what=f"the {part.name} that its configuration describes{_held(source, names)}",
        optional=part.zeros,
    )
    # Once for a file of several models: with the first of them.
    if not source.prefix or first_model(source.weights) == part.name:
        source.warn_unread()
    state = read_state(source.weights, names, source.scales, target)
    for name in part.zeros:
        if name not in state:
            like = model.state_dict()[name]
            state[name] = torch.zeros(like.shape, dtype=next(iter(state.values())).dtype, device=device)
    model.load_state_dict(state, assign=True)
    return model.eval()


def source_config(source: Source, config_class: ConfigClass) -> Any:
    """The configuration of a part.

    Raises:
        CheckpointError: if its fields are not those of an LTX-Video model.
    """
    try:
        return config_class.from_dict(source.fields)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the {source.part.name} configuration of {source.weights.where}: {error}") from error


def check_names(
    weights: Weights,
    names: Mapping[str, str],
    expected: Mapping[str, tuple[int, ...]],
    *,
    what: str,
    optional: Sequence[str] = (),
) -> None:
    """Check that files hold exactly the expected tensors.

    Args:
        weights: where they come from.
        names: key in the files by the model's name.
        expected: shapes by the model's name.
        what: what they should hold, for the message.
        optional: names that may be missing.

    Raises:
        CheckpointError: with all that is missing, left over or of another shape.
    """
    problems = []
    if missing := expected.keys() - names.keys() - set(optional):
        problems.append(f"missing {listed(missing)}")
    if left := names.keys() - expected.keys():
        problems.append(f"left over {listed(left)}")
    wrong = [
        f"{name} (expected {expected[name]}, got {shape})"
        for name, key in names.items()
        if name in expected and (shape := weights.shape(key)) != expected[name]
    ]
    if wrong:
        problems.append(f"of another shape {listed(wrong)}")
    if problems:
        raise CheckpointError(f"{weights.where} does not hold {what}: {'; '.join(problems)}")


def _held(source: Source, names: Mapping[str, str]) -> str:
    """The release that the keys look like, where they tell it."""
    release = source.part.release_in(names.keys())
    return f" (its keys are those of {release})" if release else ""


def read_state(
    weights: Weights, names: Mapping[str, str], scales: Scales, dtype: torch.dtype | None
) -> dict[str, Tensor]:
    """Read tensors by the model's names, scaled, cast and checked.

    Raises:
        CheckpointError: naming the tensors that hold NaN or infinity, also those that do after the cast; or saying
            how the file is quantised, if in a way that is not read.
    """
    check_stored(weights, names.values())
    target = dtype or stored_dtype(weights, names.values())
    state, broken, outside = {}, [], []
    for name, key in names.items():
        tensor = weights[key]
        if tensor.is_floating_point():
            if key in scales.of:
                tensor = scaled(key, tensor, weights[scales.of[key]])
            elif tensor.dtype in FLOAT8:
                tensor = tensor.to(torch.bfloat16)
            if not is_finite(tensor):
                broken.append(name)
            cast = tensor.to(target)
            if target is torch.float16 and tensor.dtype is not torch.float16 and not is_finite(cast):
                outside.append(name)
            tensor = cast
        state[name] = tensor
    if broken:
        raise CheckpointError(f"NaN or infinite values in {weights.where}: {listed(broken)}")
    if outside:
        raise CheckpointError(f"too large for float16, take bfloat16 or float32: {listed(outside)} of {weights.where}")
    return state


def stored_dtype(weights: Weights, keys: Iterable[str]) -> torch.dtype:
    """The floating type most tensors are stored in; float8 counts as bfloat16, for it has no arithmetic."""
    counts = Counter(
        "BF16" if stored.startswith("F8") else stored
        for key in keys
        if (stored := weights.dtype(key)) in _TYPES or stored.startswith("F8")
    )
    return _TYPES[counts.most_common(1)[0][0]] if counts else torch.float32
