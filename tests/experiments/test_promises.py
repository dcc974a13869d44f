"""The README's summary of promises says what the tables say."""

from __future__ import annotations

import pytest

from experiments.promises import NAME, README, ROOT, gathered, read, summary

PAGE = """
`foresight evaluate benchmark=drift page=docs/a.md` asks.

<!-- drift -->
**figures**

| figure | value |
| --- | --- |
| a | 1 |

**gates**

| gate | found [95 % interval] | clips | aim |  |
| --- | --- | --- | --- | --- |
| it stays | 0.900 [0.800, 1.000] | 40 | at least 0.8 | holds |
| it \\| goes on | 0.100 [0.000, 0.200] | 30 | interval above 0 | FAILS |
<!-- /drift -->

<!-- silent -->
nothing promised
<!-- /silent -->
"""


def test_promises_are_read_with_their_command() -> None:
    """Two gates, one broken; a section without gates promises nothing."""
    (found,) = read(PAGE, "docs/a.md")
    assert found.benchmark == "drift" and len(found.gates) == 2
    assert found.row() == {
        "benchmark": "`foresight evaluate benchmark=drift`",
        "clips": "40",
        "holds": "1 of 2",
        "fails": "it | goes on: 0.100 [0.000, 0.200], interval above 0",
        "tables": "[docs/a.md](docs/a.md)",
    }
    assert "| drift | it stays | 0.900 [0.800, 1.000] | 40 | at least 0.8 | holds |" in summary([found])


def test_tables_without_a_command_are_refused() -> None:
    """Nobody could measure them again."""
    with pytest.raises(ValueError, match="benchmark=drift"):
        read(PAGE.replace("`", ""), "docs/a.md")


def test_the_readme_is_up_to_date() -> None:
    """If this fails after measuring: `python -m experiments.promises`."""
    text = (ROOT / README).read_text(encoding="utf-8")
    assert f"<!-- {NAME} -->\n{gathered()}\n<!-- /{NAME} -->" in text
