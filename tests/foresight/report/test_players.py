"""Videos in step, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from foresight.plots import training_curves
from foresight.report import Player, Players, Report, Signal, Table, in_step, write_page
from foresight.report.page import render
from foresight.report.players import players_html
from ltx.media import write_mp4
from tests.browser import DESKTOP, PHONE, Page, chromium, needs_chromium

RATE, GIVEN, IMAGINED = 8.0, 3, 5


def film(path: Path) -> Path:
    """Eight frames, each brighter than the one before."""
    levels = torch.linspace(-1, 1, GIVEN + IMAGINED)[None, :, None, None]
    write_mp4(path, levels.expand(3, -1, 64, 64), frame_rate=RATE)
    return path


def report(folder: Path) -> Report:
    """Two boxes of players and a part of every kind, with words that do not break."""
    films = [Player(film(folder / f"{name}.mp4"), name) for name in "ab"]
    wide = Table([f"column {number}" for number in range(12)], [["long" * 30] * 12] * 2, failed=[1])
    return Report(
        title="word" * 40,
        instruction="word" * 60,
        players=[Players(films, GIVEN + IMAGINED, GIVEN, RATE, "one")] * 2,
        sentence="It fits.",
        why=["word" * 60],
        decision="accept",
        probabilities={"likely": 0.7, "word" * 40: 0.2},
        signals=[Signal("word" * 20, "1.5", 0.5, "meaning " * 20)],
        figures=[training_curves({"loss": [(1, 2.0), (2, 1.0)]})],
        tables={"wide": wide, "long": Table(["a"], [["1"]] * 30)},
        stages={"word" * 20: 1.0},
        policy=["word" * 60],
        facts={"command": "word" * 60},
    )


@pytest.fixture(scope="module")
def browser() -> Page:
    with chromium() as page:
        yield page


def times(page: Page) -> list[float]:
    return page.run("[...document.querySelectorAll('video')].map(film => film.currentTime)")


def test_the_scrubber_marks_what_was_given(tmp_path: Path) -> None:
    """Three of eight frames are 37.5 % of its width; its last place is the eighth frame."""
    players = Players([Player(film(tmp_path / "a.mp4"), "a")], GIVEN + IMAGINED, GIVEN, RATE)
    assert 'max="7"' in players_html(players) and "--given:37.5%" in players_html(players)


@needs_chromium
def test_one_scrubber_moves_all_players_of_its_box(browser: Page, tmp_path: Path) -> None:
    """By the keyboard, a frame at a time; the clock says what is given and what is imagined; nothing else is asked."""
    write_page(tmp_path / "page.html", report(tmp_path))
    browser.open(tmp_path / "page.html", calm=True)
    browser.run(
        "new Promise(done => { const look = () => document.querySelectorAll('[data-ready]').length == 2 ? done() : "
        "setTimeout(look, 20); look(); })"
    )
    assert times(browser) == pytest.approx([7.5 / RATE] * 4), "the reader wants no motion: the last frame stands still"
    assert browser.run("document.querySelector('button').textContent") == "Play"
    browser.run("document.querySelector('input').focus()")
    browser.press("Home")
    assert times(browser) == pytest.approx([0.5 / RATE] * 2 + [7.5 / RATE] * 2)
    for _ in range(3):
        browser.press("ArrowRight")
    assert times(browser)[:2] == pytest.approx([3.5 / RATE] * 2)
    assert browser.run("document.querySelector('input').getAttribute('aria-valuetext')") == "+0.13 s, imagined"
    browser.press("ArrowLeft")
    assert browser.run("document.querySelector('output').textContent") == "−0.00 s"
    browser.press(" ")
    assert browser.run("document.querySelector('button').textContent") == "Pause"
    assert browser.complaints == []
    assert {request.split(":")[0] for request in browser.requests} <= {"file", "data", "about"}


@needs_chromium
@pytest.mark.parametrize(("size", "dark"), [(PHONE, False), (PHONE, True), (DESKTOP, False)])
def test_nothing_leaves_the_page_at_its_side(browser: Page, tmp_path: Path, size: tuple[int, int], dark: bool) -> None:
    """Long words break, and what is wide scrolls in a box of its own."""
    write_page(tmp_path / "page.html", report(tmp_path))
    browser.open(tmp_path / "page.html", size, dark=dark, calm=True)
    assert browser.run("document.documentElement.scrollWidth") <= size[0]
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(23, 24, 27)" if dark else "rgb(250, 250, 248)")
    assert browser.complaints == []


def test_no_program_but_ours_runs(tmp_path: Path) -> None:
    """The page's policy names the hash of the players' program, and lets in none at all where there are no players."""
    page = render(report(tmp_path))
    assert len(re.findall(r"<script>", page)) == 1 and re.search(r"script-src 'sha256-[A-Za-z0-9+/]+='", page)
    assert "script" not in render(Report(title="alone"))


def test_failed_rows_are_marked_and_long_tables_folded(tmp_path: Path) -> None:
    """A failure is not folded away."""
    rows = [["a"], ["b"]] + [["c"]] * 11
    assert render(Report(title="", tables={"t": Table(["x"], rows)})).count("<details>") == 1
    page = render(Report(title="", tables={"t": Table(["x"], rows, failed=[1])}))
    assert "<details>" not in page and re.findall(r'<tr class="failed"><th scope="row">(\w)', page) == ["b"]


def test_videos_in_step_are_of_one_length() -> None:
    """The context comes first in all, its difference black; what was not observed is grey."""
    context, predicted, observed = torch.full((3, 2, 4, 4), 0.5), torch.ones(3, 3, 4, 4), torch.zeros(3, 2, 4, 4)
    films = in_step(context, {"predicted": predicted}, observed)
    assert list(films) == ["what happened", "predicted", "difference (doubled)"]
    levels = {name: video[0, :, 0, 0].tolist() for name, video in films.items()}
    assert levels["what happened"] == [0.5, 0.5, 0, 0, 0] and levels["predicted"] == [0.5, 0.5, 1, 1, 1]
    assert levels["difference (doubled)"] == [-1, -1, 1, 1, 0]
    assert list(in_step(context, {"a": predicted, "b": predicted}, None)) == ["a", "b"]


def test_players_need_films_and_something_imagined(tmp_path: Path) -> None:
    """Numbers that do not fit are refused."""
    with pytest.raises(ValueError, match="more frames than are given"):
        Players([], 3, 1, 8.0)
    with pytest.raises(ValueError, match="got 1 of 3 and 3"):
        Players([Player(tmp_path, "a")], 3, 3, 8.0)
