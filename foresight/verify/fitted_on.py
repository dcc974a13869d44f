"""The record of what a verifier was fitted on."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.verify.evidence.records import EvidenceConfig


@dataclass(frozen=True)
class FittedOn:
    """Model, data and evidence that a verifier was fitted on, and that it holds for.

    Args:
        model: fingerprint of the world model.
        data: the data, in words.
        clips: number of clips; each serves weights, calibration and thresholds by cross-fitting.
        examples: number of examples against outcomes, all of them for calibration.
        candidates: candidates per prediction.
        evidence: how evidence was built.
    """

    model: str
    data: str
    clips: int
    examples: int
    candidates: int
    evidence: EvidenceConfig
