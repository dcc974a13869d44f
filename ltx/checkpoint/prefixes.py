"""Prefixes of the keys of an official file: of its models, and of what lies beside them and is not read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from ltx.checkpoint.errors import listed
from ltx.checkpoint.read import Weights

MODELS = {
    "transformer": ("model.diffusion_model.", "diffusion_model."),
    "vae": ("vae.", "first_stage_model."),
}
"""Prefixes of the models that share one file, the released one first."""

FOREIGN = {
    "averaged weights (EMA)": ("model_ema.", "ema.", "ema_model."),
    "a text encoder": ("text_encoders.", "text_encoder.", "cond_stage_model.", "conditioner.", "t5xxl."),
}


def of_models(*, but: str = "") -> tuple[str, ...]:
    """The prefixes of all models, or of all `but` one."""
    return tuple(prefix for name, prefixes in MODELS.items() if name != but for prefix in prefixes)


def first_model(weights: Weights) -> str | None:
    """The first model whose prefix occurs in a file; None if no key has one."""
    return next((name for name, prefixes in MODELS.items() if any(key.startswith(prefixes) for key in weights)), None)


def is_foreign(key: str) -> bool:
    """True for keys of something known that is no model of a checkpoint."""
    return any(key.startswith(prefixes) for prefixes in FOREIGN.values())


def warn_unread(weights: Weights, unread: Iterable[str]) -> None:
    """Warn once of the keys of a file that are not read."""
    keys = sorted(unread)
    known = {name: [key for key in keys if key.startswith(prefixes)] for name, prefixes in FOREIGN.items()}
    others = [key for key in keys if not is_foreign(key)]
    found = [f"{name} ({len(own)} tensors, {own[0]}, …)" for name, own in known.items() if own]
    found += [f"other tensors: {listed(others)}"] if others else []
    if found:
        hint = "; a text encoder is read with text_encoder=, from this file too" if known["a text encoder"] else ""
        warnings.warn(f"{weights.where} also holds what is not read: {'; '.join(found)}{hint}", stacklevel=2)
