"""The transformer as a part of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.part import Part
from ltx.checkpoint.prefixes import MODELS
from ltx.transformer.config import DIFFUSERS_CLASS, OFFICIAL_CLASS, TransformerConfig
from ltx.transformer.keys import RENAMING
from ltx.transformer.release import causal_in_folder, transformer_fields

CAUSAL = "causal_temporal_positioning"


def _to_diffusers(config: TransformerConfig) -> dict[str, Any]:
    try:
        fields = config.to_diffusers_dict()
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    # diffusers does not know this field; it skips names with an underscore without a warning.
    fields[f"_{CAUSAL}"] = fields.pop(CAUSAL)
    return fields


def _from_diffusers(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    fields = dict(fields)
    if f"_{CAUSAL}" in fields:
        fields[CAUSAL] = fields.pop(f"_{CAUSAL}")
    if CAUSAL not in fields:
        fields[CAUSAL] = causal_in_folder(folder, fields)
    return fields


TRANSFORMER = Part(
    name="transformer",
    prefixes=(*MODELS["transformer"], ""),
    official_class=OFFICIAL_CLASS,
    diffusers_class=DIFFUSERS_CLASS,
    official_anchor="patchify_proj.weight",
    diffusers_anchor="proj_in.weight",
    renaming=lambda config: RENAMING,
    to_diffusers=_to_diffusers,
    from_diffusers=_from_diffusers,
    inferred=transformer_fields,
    ignored=("use_tpu_flash_attention", "use_chipmunk_attention"),
)
