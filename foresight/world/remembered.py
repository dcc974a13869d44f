"""Clips that the vision-language model has seen in this process: each is read once, and the model can rest."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from adapters import VLMFeatures
from foresight.world.feature_encoder import EncodesFeatures

KEPT = 4
"""Calls that are remembered: those of one clip and what can be told about it."""


class RememberedFeatures:
    """The last clips with their instructions, by content, and what an encoder made of them."""

    def __init__(self) -> None:
        self._encoder: weakref.ref[EncodesFeatures] | None = None
        self._known: OrderedDict[str, VLMFeatures] = OrderedDict()

    def encode(
        self,
        encoder: EncodesFeatures,
        clips: Float[Tensor, "batch rgb=3 frame height width"],
        instructions: Sequence[str],
        *,
        frame_rate: float,
    ) -> VLMFeatures:
        """Features of clips and instructions; what was asked before is not computed again.

        Args:
            encoder: whose weights do not change.
            clips: in [−1, 1].
            instructions: one per clip.
            frame_rate: frames per second.
        """
        if self._encoder is None or self._encoder() is not encoder:
            self._encoder = weakref.ref(encoder)
            self._known.clear()
        digest = hashlib.sha256(f"{tuple(clips.shape)}{clips.dtype}{list(instructions)}{frame_rate}".encode())
        digest.update(clips.detach().cpu().contiguous().numpy().tobytes())
        key = digest.hexdigest()
        if key not in self._known:
            self._known[key] = encoder.encode(clips, list(instructions), frame_rate=frame_rate)
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return self._known[key]
