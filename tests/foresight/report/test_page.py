"""The report page: one file, no links, every text escaped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from foresight.report import Curve, Film, Report, Signal, Table, write_page
from foresight.report.page import percent, render

SIGNAL = Signal("a", "1", 0.5, "m")
EVIL = "<script>alert(\"x\")</script> & 'more'"


def full(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"video")
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"png")
    table = Table((EVIL, EVIL), ((EVIL, EVIL),), best=0, note=EVIL)
    return Report(
        title=EVIL,
        instruction=EVIL,
        decision=EVIL,
        probabilities={EVIL: 0.73, "sure": 1.0, "hardly": 0.001},
        signals=(Signal(EVIL, EVIL, -3.0, EVIL),),
        films=(Film(film, EVIL), Film(sheet, EVIL)),
        tables={EVIL: table},
        curves=(Curve(EVIL, {EVIL: [1.0, float("nan"), 2.0]}, [0.0, 1.0, 2.0], EVIL, EVIL),),
        candidates=table,
        stages={EVIL: 1.5},
        policy=(EVIL,),
        facts={EVIL: EVIL},
    )


def test_every_text_is_escaped(tmp_path: Path) -> None:
    """A script in any field stays text."""
    page = render(full(tmp_path))
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """Videos are inside as data; nothing is loaded from elsewhere; the file is written whole."""
    write_page(tmp_path / "report.html", full(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "data:video/mp4;base64,dmlkZW8=" in page and "data:image/png;base64,cG5n" in page
    sources = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert sources and all(source.startswith("data:") for source in sources)
    assert not re.search(r"https?://(?!www\.w3\.org)|@import|url\(", page)
    assert (
        "73 %" in page
        and "&gt; 99 %</strong> sure" in page
        and "&lt; 1 %</strong> hardly" in page
        and "width:50.0%" in page
    )


def test_empty_parts_do_not_appear() -> None:
    """A report of a title alone has neither verdict nor sections."""
    page = render(Report(title="Alone"))
    assert "Alone" in page and "<section" not in page


def test_wrong_reports_are_refused(tmp_path: Path) -> None:
    """Rows of other lengths, impossible probabilities, films of unknown kinds."""
    with pytest.raises(ValueError, match="2 cells"):
        Table(("a", "b"), (("1",),))
    with pytest.raises(ValueError, match="probabilities"):
        Report(title="a", probabilities={"b": 1.1})
    with pytest.raises(ValueError, match=r"film\.txt"):
        render(Report(title="a", films=(Film(tmp_path / "film.txt", "b"),)))


def test_stages_share_the_whole_bar() -> None:
    """3 of 4 seconds are three quarters; where no time has passed nothing is drawn."""
    page = render(Report(title="", stages={"reading": 3.0, "sampling": 1.0}))
    assert re.findall(r'class="share"><i style="width:([\d.]+)%"', page) == ["75.0", "25.0"] and "4.00 s" in page
    assert re.findall(r'class="share"><i style="width:([\d.]+)%"', render(Report(title="", stages={"a": 0.0}))) == [
        "0.0"
    ]


def test_the_first_film_and_pictures_are_large(tmp_path: Path) -> None:
    """They hold text; further films share a line."""
    for name in ("a.mp4", "b.mp4", "c.png", "d.mp4"):
        (tmp_path / name).write_bytes(b"")
    page = render(Report(title="", films=[Film(tmp_path / name, "") for name in ("a.mp4", "b.mp4", "c.png", "d.mp4")]))
    assert re.findall(r'<figure class="(\w+)">', page) == ["large", "small", "large", "small"]


@pytest.mark.parametrize(
    ("probability", "said"), [(0.991, "> 99 %"), (0.99, "99 %"), (0.5, "50 %"), (0.01, "1 %"), (0.009, "< 1 %")]
)
def test_probabilities_are_never_certain(probability: float, said: str) -> None:
    """Whole percent from 1 to 99, and beyond them only that they are beyond."""
    assert percent(probability) == said


def test_bars_are_as_long_as_what_they_show() -> None:
    """A probability of 0.73 fills 73 %; support goes from the middle to either side, at most half the width."""
    page = render(Report(title="", probabilities={"a": 0.73, "b": 0.0, "c": 1.0}))
    assert re.findall(r'aria-label="[^"]+"><i style="width:([\d.]+)%"', page) == ["73.0", "0.0", "100.0"]
    signals = [Signal("a", "1", support, "m") for support in (0.5, -0.5, 0.0, 3.0, -3.0)]
    page = render(Report(title="", signals=signals))
    assert re.findall(r'<i class="(for|against)" style="width:([\d.]+)%"', page) == [
        ("for", "25.0"),
        ("against", "25.0"),
        ("for", "0.0"),
        ("for", "50.0"),
        ("against", "50.0"),
    ]


@pytest.mark.parametrize("part", [{"probabilities": {"a": 0.5}}, {"decision": "accept"}, {"signals": [SIGNAL]}])
def test_any_part_of_a_verdict_is_shown(part: dict[str, Any]) -> None:
    """Probabilities, a decision, or signals alone."""
    assert render(Report(title="", **part)).count('<section class="verdict">') == 1


def test_the_best_row_is_stressed() -> None:
    """That one, and no row if none is named."""
    rows = (("a", "1"), ("b", "2"), ("c", "3"))
    for best, marked in ((1, ["b"]), (None, [])):
        page = render(Report(title="", candidates=Table(("name", "value"), rows, best=best)))
        assert re.findall(r'<tr class="best"><th scope="row">(\w)<', page) == marked


@pytest.mark.parametrize("probability", [-0.1, 1.1])
def test_a_probability_lies_between_0_and_1(probability: float) -> None:
    """Both ends included, nothing beyond."""
    with pytest.raises(ValueError, match="probabilities in"):
        Report(title="", probabilities={"a": 0.0, "b": 1.0, "c": probability})
