"""What a word of the command line is."""

from __future__ import annotations

import pytest

from foresight.cli.words import Word
from foresight.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed=3", Word("", "seed", None, "3")),
        (
            "instruction=push the ball, then wait = stop",
            Word("", "instruction", None, "push the ball, then wait = stop"),
        ),
        ("+model@world.model=tiny", Word("+", "model", "world.model", "tiny")),
        ("++data.batch=", Word("++", "data.batch", None, "")),
        ("~verifier", Word("~", "verifier", None, None)),
    ],
)
def test_a_word_is_taken_apart(text: str, expected: Word) -> None:
    """Sign, name, place and value; whatever follows the first equals sign is the value, blanks and all."""
    assert Word.of(text) == expected


@pytest.mark.parametrize("text", ["ball", "the ball is pushed", "seed", "+seed", "a b=c", ""])
def test_a_word_that_sets_nothing_is_refused(text: str) -> None:
    """A value whose blanks the shell took for the ends of words leaves such words; the remedy is quotes."""
    with pytest.raises(UserError, match=r"name=value.*in quotes"):
        Word.of(text)


def test_the_parts_of_a_name() -> None:
    """Entries, and numbers of a list's items."""
    assert Word.of("parts[0].clips.size=3").path == ("parts", "0", "clips", "size")
