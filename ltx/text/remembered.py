"""Prompts that have been encoded in this process: each is encoded once, and the text encoder is not needed again."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence

from ltx.text.conditioning import EncodesText, TextConditioning

KEPT = 64
"""Prompts that are remembered: two MiB each for T5-XXL in bfloat16."""


class RememberedPrompts:
    """The last prompts and what an encoder made of them; another encoder finds none."""

    def __init__(self) -> None:
        self._encoder: weakref.ref[EncodesText] | None = None
        self._known: OrderedDict[str, TextConditioning] = OrderedDict()

    def encode(self, encoder: EncodesText, prompts: Sequence[str]) -> TextConditioning:
        """Context tokens, one row for each prompt; only those that are new are encoded.

        Args:
            encoder: whose weights do not change.
            prompts: in words.
        """
        if self._encoder is None or self._encoder() is not encoder:
            self._encoder = weakref.ref(encoder)
            self._known.clear()
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        if new:
            encoded = encoder.encode(new)
            rows = zip(new, encoded.embeddings.split(1), encoded.mask.split(1), strict=True)
            self._known |= {prompt: TextConditioning(states, mask) for prompt, states, mask in rows}
        found = [self._known[prompt] for prompt in prompts]
        for prompt in prompts:
            self._known.move_to_end(prompt)
        while len(self._known) > max(KEPT, len(found)):
            self._known.popitem(last=False)
        return TextConditioning.stack(found)
