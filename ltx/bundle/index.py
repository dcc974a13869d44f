"""`model_index.json` of a checkpoint's folder: the classes of its parts, and notes for whoever reads it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.write import write_json
from ltx.transformer.part import TRANSFORMER
from ltx.vae.part import VAE

FILE = "model_index.json"
TEXT_PARTS = {"text_encoder": ["transformers", "T5EncoderModel"], "tokenizer": ["transformers", "T5Tokenizer"]}


@dataclass(frozen=True)
class Notes:
    """Entries of an index beside its parts; diffusers skips them.

    Attributes:
        sources: hub id and commit that each part was downloaded from, as `owner/repository@commit`; local parts have
            none.
        preset: name of the preset to sample with; None if none was chosen.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    preset: str | None = None

    def fields(self) -> dict[str, Any]:
        """As they are written down."""
        return {"_preset": self.preset, "_sources": dict(self.sources)}


def write_index(folder: Path, notes: Notes, *, causal: bool, with_text: bool) -> None:
    """Write the index of a folder whose parts are written.

    Args:
        folder: of the checkpoint.
        notes: kept for the reader.
        causal: whether frames have causal positions; only the condition pipeline of diffusers gives them those.
        with_text: whether a text encoder and its tokenizer are in the folder.

    Raises:
        CheckpointError: if writing fails; the old index is untouched.
    """
    write_json(
        folder / FILE,
        {
            "_class_name": "LTXConditionPipeline" if causal else "LTXPipeline",
            **notes.fields(),
            "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
            "transformer": ["diffusers", TRANSFORMER.diffusers_class],
            "vae": ["diffusers", VAE.diffusers_class],
            **(TEXT_PARTS if with_text else {part: [None, None] for part in TEXT_PARTS}),
        },
    )


def notes_in(fields: Mapping[str, Any], where: str) -> Notes:
    """The notes among the fields of an index, or of the metadata of an official file.

    Raises:
        CheckpointError: if they are of another kind.
    """
    sources, preset = fields.get("_sources") or {}, fields.get("_preset")
    if not isinstance(sources, dict) or not isinstance(preset, str | None):
        raise CheckpointError(f"expected an object _sources and a name _preset in {where}")
    return Notes({str(part): str(source) for part, source in sources.items()}, preset)
