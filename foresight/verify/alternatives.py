"""Other things that could have been done."""

from __future__ import annotations

from collections.abc import Sequence


def alternatives(instruction: str, known: Sequence[str], count: int) -> list[str]:
    """The `count` known instructions most like this one, without itself: those that share most words, in known order.

    "the red ball is pushed up" is contrasted with pushes of the red ball to other sides before anything else.

    Raises:
        ValueError: if fewer are known.
    """
    others = [sentence for sentence in known if sentence != instruction]
    if len(others) < count:
        raise ValueError(f"expected at least {count} other instructions than {instruction!r}, got {len(others)}")
    words = set(instruction.split())

    def likeness(sentence: str) -> float:
        other = set(sentence.split())
        return len(words & other) / len(words | other)

    return sorted(others, key=likeness, reverse=True)[:count]
