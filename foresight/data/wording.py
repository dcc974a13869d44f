"""Random rewording of instructions in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from foresight.physics.language import all_paraphrases
from foresight.reproducibility.fingerprint import fingerprint


class Wording(Protocol):
    """Rewording of an instruction in training."""

    def recipe(self) -> dict[str, Any]:
        """Everything the wordings depend on, as JSON-able data."""
        ...

    def __call__(self, instruction: str) -> Sequence[str]:
        """Sentences that say the same, the instruction itself among them."""
        ...


class WorldWording:
    """The paraphrases of the simulated world's instructions; other sentences stand for themselves."""

    def __init__(self) -> None:
        self._groups = {sentences[0]: sentences for sentences in all_paraphrases()}

    def recipe(self) -> dict[str, Any]:
        """The sentences, as a hash."""
        return {"kind": "world", "sentences": fingerprint({name: list(group) for name, group in self._groups.items()})}

    def __call__(self, instruction: str) -> Sequence[str]:
        """All wordings of an instruction."""
        return self._groups.get(instruction, (instruction,))
