"""Players of videos in step: one scrubber, one button, the keyboard; still where the reader wants no motion."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True)
class Player:
    """One of several videos in step.

    Args:
        path: MP4 file; all of one length.
        caption: under it.
    """

    path: Path
    caption: str


@dataclass(frozen=True)
class Players:
    """Videos in step.

    Args:
        films: at least one.
        frames: of each.
        given: frames that were given; the others are imagined.
        frame_rate: frames per second.
        title: over them; may be empty.
    """

    films: Sequence[Player]
    frames: int
    given: int
    frame_rate: float
    title: str = ""

    def __post_init__(self) -> None:
        if not self.films or not 0 <= self.given < self.frames:
            raise ValueError(
                f"expected films of more frames than are given, got {len(self.films)} of {self.frames} and {self.given}"
            )


def script() -> str:
    """The program of the players, as it stands in the page."""
    return (files("foresight.report") / "players.js").read_text(encoding="utf-8")


def script_hash() -> str:
    """Hash by which the page's policy lets in this program and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()}"


def players_html(players: Players) -> str:
    """The players, their scrubber and a button.

    Raises:
        OSError: if a film cannot be read.
    """
    shown = "".join(
        f'<figure><video src="data:video/mp4;base64,{base64.b64encode(film.path.read_bytes()).decode()}" muted '
        f'playsinline preload="auto" aria-label="{escape(film.caption)}"></video>'
        f"<figcaption>{escape(film.caption)}</figcaption></figure>"
        for film in players.films
    )
    heading = f"<h2>{escape(players.title)}</h2>" if players.title else ""
    mark = 100 * players.given / players.frames
    return (
        f'<section class="players" data-rate="{players.frame_rate:g}" data-given="{players.given}">{heading}'
        f'<div class="step">{shown}</div><div class="controls"><button type="button">Play</button>'
        f'<input type="range" min="0" max="{players.frames - 1}" value="0" step="1" style="--given:{mark:.1f}%" '
        f'aria-label="moment: given up to frame {players.given}, imagined after it"><output></output></div></section>'
    )
