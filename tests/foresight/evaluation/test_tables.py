from pathlib import Path

import pytest

from foresight.evaluation.tables import LONG, markdown, publish, section


def test_markdown_table() -> None:
    """Header, rule, rows; bars inside cells are escaped."""
    assert markdown([{"a": "1", "b": "x|y"}]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"


def test_rows_must_agree() -> None:
    """A row with other columns is refused, and so is no row."""
    with pytest.raises(ValueError, match="columns"):
        markdown([{"a": "1"}, {"b": "1"}])
    with pytest.raises(ValueError, match="at least one"):
        markdown([])


def test_a_long_table_is_folded_and_a_short_one_is_not() -> None:
    """Both hold the same table under their title; blank lines around it keep it Markdown inside the fold."""
    rows = [{"a": str(index)} for index in range(LONG)]
    assert section("figures", rows[:-1]) == f"**figures**\n\n{markdown(rows[:-1])}"
    folded = section("figures", rows)
    assert folded.startswith("<details><summary><b>figures</b> (20 rows)</summary>\n\n| a |")
    assert folded.endswith(f"| {LONG - 1} |\n\n</details>")


def test_publish_replaces_only_what_is_between_the_marks(tmp_path: Path) -> None:
    """Twice the same gives the same page; text around stays."""
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- t -->\nold\n<!-- /t -->\nafter\n")
    for _ in range(2):
        publish("new \\1", page, "t")
    assert page.read_text() == "before\n<!-- t -->\nnew \\1\n<!-- /t -->\nafter\n"


def test_publish_wants_its_marks(tmp_path: Path) -> None:
    """A page without them is left alone."""
    page = tmp_path / "README.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="found 0"):
        publish("new", page, "t")
    assert page.read_text() == "nothing\n"
