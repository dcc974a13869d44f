"""Clips with the reference videos that an IC-LoRA is shown beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from foresight.data.batch import FeatureBatch
from foresight.data.encode import EncodedClips, fill
from foresight.data.reconstruction import Reconstruction
from foresight.data.videos import VideoClips
from foresight.errors import UserError


class ReferenceVideos(VideoClips):
    """`VideoClips` of the `reference` videos of a table's rows, from the same moments on."""

    _reference = True


class ReferencedClips:
    """Cached clips joined with the cached latents of their reference videos, which come as `reference`.

    Args:
        clips: with `latents` and what else was encoded.
        references: one for each clip, in the same order, with `latents`.
    """

    def __init__(self, *, clips: EncodedClips, references: EncodedClips) -> None:
        self.clips, self.references = clips, references

    @property
    def caches(self) -> list[EncodedClips]:
        """Caches to fill before the first row is read.

        Raises:
            UserError: if there are not as many references as clips.
        """
        if len(self.clips) != len(self.references):
            raise UserError(
                expected=f"a reference video for each of {len(self.clips)} clips",
                got=str(len(self.references)),
                remedy="name one in every row of the table, and leave no row out",
            )
        return [self.clips, self.references]

    def prepare(self) -> None:
        """Encode what is missing of both."""
        fill(self.caches, lambda done, total: None)

    def account(self) -> list[str]:
        """Account of the clips; their references are cut alike."""
        return self.clips.account()

    def reconstruction(self) -> Reconstruction | None:
        """Reconstruction quality of a few of the clips."""
        return self.clips.reconstruction()

    def recipe(self) -> dict[str, Any]:
        """Recipes of both."""
        return {"kind": "referenced", "clips": self.clips.recipe(), "references": self.references.recipe()}

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        """The given rows of both caches."""
        rows, shown = self.clips.__getitems__(indices), self.references.__getitems__(indices)
        return replace(rows, tensors={**rows.tensors, "reference": shown["latents"]})
