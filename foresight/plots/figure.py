"""A finished figure: SVG with its own colours for light and dark, and a description for those who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from ltx.files import write_text

WIDTH = 400
"""Units across; text of 11 to 13 of them is read on a phone."""

STYLE = """
.fig { --paper: #ffffff; --ink: #202124; --faint: #5b5e66; --rule: #e0e0da; --bad: #b3382c; --good: #00734f;
  --c0: #b84a00; --c1: #0067a8; --c2: #00734f; --c3: #96418a; --c4: #6b6257; --c5: #202124; --map: #b84a00; }
@media (prefers-color-scheme: dark) {
  .fig { --paper: #1f2024; --ink: #e9e9e6; --faint: #a7aab2; --rule: #3a3c43; --bad: #ee8377; --good: #4fcb9d;
    --c0: #f59a56; --c1: #69b7f0; --c2: #4fcb9d; --c3: #e09ad2; --c4: #c3b8a8; --c5: #e9e9e6; --map: #f59a56; } }
.fig text { font: 11.5px system-ui, "Segoe UI", "Noto Sans", sans-serif; fill: var(--faint); }
.fig .title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.fig .strong { fill: var(--ink); font-weight: 600; }
.fig .paper { fill: var(--paper); }
.fig .grid { stroke: var(--rule); fill: none; }
.fig .rule { stroke: var(--faint); stroke-dasharray: 4 3; fill: none; }
.fig .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.fig .band { opacity: .16; }
.fig image { image-rendering: pixelated; }
""" + "".join(
    f".fig .s{n} {{ stroke: var(--c{n}); }} .fig .f{n} {{ fill: var(--c{n}); stroke: none; }}\n" for n in range(6)
)
"""Colours keep a contrast of 4.5 to their paper, and apart for the three common kinds of colour blindness."""

DASHES = ("", "7 3", "2 3", "8 3 2 3", "4 2", "1 2")
"""By number of the series: without colour, dashes tell them apart."""


@dataclass(frozen=True, repr=False)
class Figure:
    """A figure.

    Args:
        title: over it.
        alt: what is to be seen, in a sentence or two.
        body: SVG elements below the title, from y = 0 down.
        height: of the body.
    """

    title: str
    alt: str
    body: str
    height: float

    TOP = 26

    def __repr__(self) -> str:
        return f"Figure({self.title!r}: {self.alt})"

    @property
    def svg(self) -> str:
        """The figure as text, whole in itself."""
        height = self.height + self.TOP + 6
        return (
            f'<svg class="fig" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
            f'aria-label="{escape(self.alt)}" style="width:100%;max-width:640px;height:auto;display:block">'
            f"<style>{STYLE}</style>"
            f'<rect class="paper" width="{WIDTH}" height="{height:.0f}" rx="4"/>'
            f'<text class="title" x="8" y="17">{escape(self.title)}</text>'
            f'<g transform="translate(0 {self.TOP})">{self.body}</g></svg>'
        )

    def _repr_html_(self) -> str:
        """As notebooks show it."""
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write an SVG file.

        Raises:
            OSError: if the folder cannot be written.
        """
        write_text(path, self.svg)
