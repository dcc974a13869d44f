"""What lies beside the models in a file and is not read: named, once."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from ltx.checkpoint.errors import listed
from ltx.checkpoint.read import Weights

PREFIXES = {
    "averaged weights (EMA)": ("model_ema.", "ema.", "ema_model."),
    "a text encoder": ("text_encoders.", "text_encoder.", "cond_stage_model.", "conditioner.", "t5xxl."),
}


def is_foreign(key: str) -> bool:
    """Whether a key is of something known that is no part of a checkpoint here."""
    return any(key.startswith(prefixes) for prefixes in PREFIXES.values())


def warn_unread(weights: Weights, unread: Iterable[str]) -> None:
    """One warning that says what of a file is not read."""
    keys = sorted(unread)
    known = {name: [key for key in keys if key.startswith(prefixes)] for name, prefixes in PREFIXES.items()}
    others = [key for key in keys if not is_foreign(key)]
    found = [f"{name} ({len(own)} tensors, {own[0]}, …)" for name, own in known.items() if own]
    found += [f"other tensors: {listed(others)}"] if others else []
    if found:
        hint = "; a text encoder is read with text_encoder=, from this file too" if known["a text encoder"] else ""
        warnings.warn(f"{weights.where} also holds what is not read: {'; '.join(found)}{hint}", stacklevel=2)
