"""Renaming by rules that are data: whole-key templates with index slots, read in either direction.

A rule is a pair of templates such as ``blocks.{i}.q_norm.weight`` ↔ ``layers.{i}.norm_q.weight``. A template matches a
whole key, never a part of one. Slots carry the same text to the other side: ``{i}`` and ``{j}`` are numbers, ``{leaf}``
is ``weight`` or ``bias``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ltx.checkpoint.errors import CheckpointError, listed

SLOTS = {"i": r"\d+", "j": r"\d+", "leaf": "weight|bias"}


@dataclass(frozen=True)
class Rule:
    """One pair of templates; both have the same slots."""

    official: str
    diffusers: str


def same(*templates: str) -> tuple[Rule, ...]:
    """Rules of keys that both sides spell alike."""
    return tuple(Rule(template, template) for template in templates)


def pattern(template: str) -> re.Pattern[str]:
    """The regular expression of a whole-key template."""
    expression = re.escape(template)
    for slot, content in SLOTS.items():
        expression = expression.replace(re.escape(f"{{{slot}}}"), f"(?P<{slot}>{content})", 1)
    return re.compile(expression)


@dataclass(frozen=True)
class Renaming:
    """A set of rules under which every key of one side is matched by exactly one."""

    rules: tuple[Rule, ...]

    @cached_property
    def _patterns(self) -> tuple[tuple[Rule, re.Pattern[str], re.Pattern[str]], ...]:
        return tuple((rule, pattern(rule.official), pattern(rule.diffusers)) for rule in self.rules)

    def to_official(self, keys: Iterable[str]) -> dict[str, str]:
        """Each diffusers key with its official name.

        Raises:
            CheckpointError: listing the keys that no rule or more than one matches.
        """
        table = [(reverse, rule.official) for rule, _, reverse in self._patterns]
        return _apply(table, keys, "diffusers")

    def to_diffusers(self, keys: Iterable[str]) -> dict[str, str]:
        """Each official key with its diffusers name.

        Raises:
            CheckpointError: listing the keys that no rule or more than one matches.
        """
        table = [(forward, rule.diffusers) for rule, forward, _ in self._patterns]
        return _apply(table, keys, "official")


def _apply(table: list[tuple[re.Pattern[str], str]], keys: Iterable[str], side: str) -> dict[str, str]:
    """Rename by the only rule that matches."""
    renamed: dict[str, str] = {}
    unknown: list[str] = []
    ambiguous: list[str] = []
    for key in keys:
        found = [(match, target) for expression, target in table if (match := expression.fullmatch(key))]
        if len(found) == 1:
            match, target = found[0]
            renamed[key] = target.format(**match.groupdict())
        else:
            (ambiguous if found else unknown).append(key)
    if unknown:
        raise CheckpointError(
            f"no rule knows these {side} keys, so this is another release or another model: {listed(unknown)}"
        )
    if ambiguous:
        raise CheckpointError(f"more than one rule matches these {side} keys: {listed(ambiguous)}")
    return renamed
