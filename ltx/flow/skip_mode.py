"""Ways in which spatio-temporal guidance (arXiv 2411.18664) perturbs a transformer block."""

from __future__ import annotations

from enum import StrEnum


class SkipMode(StrEnum):
    """The part of a block that is skipped for a perturbed row; cross-attention is never touched.

    Each mode is also known by the short name of the released configurations: stg_av, stg_as, stg_r, stg_t.
    """

    ATTENTION_VALUES = "attention_values"
    """Self-attention is replaced by the value projection of the same token."""
    ATTENTION_SKIP = "attention_skip"
    """Self-attention is replaced by its own (normalised, modulated) input; the output projection still runs."""
    RESIDUAL = "residual"
    """No effect: it perturbs a residual connection inside the attention module, which this transformer has not."""
    TRANSFORMER_BLOCK = "transformer_block"
    """The whole block is left out."""

    @classmethod
    def _missing_(cls, value: object) -> SkipMode:
        short = {
            "stg_av": cls.ATTENTION_VALUES,
            "stg_as": cls.ATTENTION_SKIP,
            "stg_r": cls.RESIDUAL,
            "stg_t": cls.TRANSFORMER_BLOCK,
        }
        found = short.get(str(value).lower())
        if found is None:
            raise ValueError(f"expected an STG mode, one of {', '.join([*cls, *short])}; got {value!r}")
        return found
