"""Evidence that measurements may ask for besides videos and latents."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

Value = TypeVar("Value")


class Need(StrEnum):
    """One kind of evidence, computed only if a measurement names it in its `needs`."""

    FLOW = "flow"
    """Velocity errors of the observed future and of the last frame copied, under the clip's instruction."""
    FLOW_OTHERS = "flow_others"
    """Of the observed future, under other instructions."""
    FLOW_UNCONDITIONAL = "flow_unconditional"
    """Of the observed future, without instruction and adapter."""
    FLOW_CANDIDATES = "flow_candidates"
    """Of the candidates, under the clip's instruction."""
    STATES = "states"
    """Hidden states of the VLM on candidates and observed future."""
    ACTION = "action"
    """The VLM's log-odds that the instruction was carried out."""
    DESCRIPTION = "description"
    """Overlap of the VLM's descriptions of the prediction and of the observed future."""
    PRIOR_FLOW = "prior_flow"
    """Velocity errors of the candidates with and without conditioning, before anything is observed."""


FLOWS = frozenset({Need.FLOW, Need.FLOW_OTHERS, Need.FLOW_UNCONDITIONAL, Need.FLOW_CANDIDATES})
"""Needs that are met by velocity errors against an observed future."""


def checked_needs(names: Iterable[str]) -> frozenset[Need]:
    """Needs by name.

    Raises:
        ValueError: if a name is unknown.
    """
    known, given = {need.value for need in Need}, set(names)
    if unknown := sorted(given - known):
        raise ValueError(f"expected needs out of {', '.join(sorted(known))}; got {', '.join(unknown)}")
    return frozenset(Need(name) for name in given)


def needed(value: Value | None, need: Need) -> Value:
    """Evidence that a measurement asked for.

    Raises:
        ValueError: if it was not computed.
    """
    if value is None:
        raise ValueError(f"expected evidence built with needs={{{need.value!r}}}, got none of that kind")
    return value
