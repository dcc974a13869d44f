"""The README's summary of promises, and the list of them all, say what the tables say."""

from __future__ import annotations

import re

import pytest

from experiments.promises import NAME, README, RESULTS, ROOT, gathered, read

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
        "benchmark": "[drift](docs/a.md)",
        "clips": "40",
        "promises kept": "1 of 2",
        "broken": "it | goes on (0.100 [0.000, 0.200], interval above 0)",
    }
    first, second = found.rows()
    assert list(first.values()) == [
        "`foresight evaluate benchmark=drift`",
        "it stays",
        *("0.900 [0.800, 1.000]", "40", "at least 0.8", "holds"),
    ]
    assert list(second.values())[:2] == ["", "it | goes on"]


def test_tables_without_a_command_are_refused() -> None:
    """Nobody could measure them again."""
    with pytest.raises(ValueError, match="benchmark=drift"):
        read(PAGE.replace("`", ""), "docs/a.md")


def test_the_pages_are_up_to_date() -> None:
    """If this fails after measuring: `python -m experiments.promises`."""
    for text, page in zip(gathered(), (README, RESULTS), strict=True):
        assert f"<!-- {NAME} -->\n{text}\n<!-- /{NAME} -->" in (ROOT / page).read_text(encoding="utf-8")


def test_the_readme_is_read_on_one_screen() -> None:
    """What it is, a moving picture, two commands, a few lines of Python and one table: no more than sixty lines."""
    text = (ROOT / README).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert (ROOT / "docs/demo.gif").stat().st_size < 1_000_000 and "(docs/demo.gif)" in text


def test_links_of_the_pages_lead_somewhere() -> None:
    """Every relative link of the README and of the pages names a file that is there."""
    for page in [ROOT / README, *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
