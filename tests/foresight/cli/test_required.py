"""What has to be said, and was not."""

from __future__ import annotations

import pytest

from foresight.cli.compose import ConfigError, resolve


@pytest.mark.parametrize(
    ("command", "words", "missing"),
    [
        ("watch", ["model=tiny"], "video"),
        ("predict", ["model=folder", "video=a.mp4", "instruction=push"], r"model\.where"),
        ("plan", ["ltx=own", "adapter=linear"], r"ltx\.where"),
    ],
)
def test_a_required_value_is_asked_for(command: str, words: list[str], missing: str) -> None:
    """The name of the entry that is missing, and how to give it."""
    with pytest.raises(ConfigError, match=rf"expected a value for {missing}, got none; add {missing}=…"):
        resolve(command, words)
