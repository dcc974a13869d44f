"""AUROC in every stratum: a figure over all clips may hide one in which nothing can be told."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from foresight.metrics.statistics import Estimate
from foresight.plots.figure import WIDTH, Figure

HIGH = 20
LEFT = 168


def strata_grid(
    found: Mapping[str, Estimate], *, chance: float = 0.5, title: str = "The same in every stratum?"
) -> Figure:
    """One interval per stratum on a common scale from chance to 1; those that reach chance are marked.

    Args:
        found: figures by the stratum's name.
        chance: value without any knowledge.
        title: of the figure.

    Raises:
        ValueError: if there is no stratum.
    """
    if not found:
        raise ValueError("expected at least one stratum, got none")
    low = min(chance, *(one.low for one in found.values()))

    def across(value: float) -> float:
        return LEFT + (value - low) / (1 - low) * (WIDTH - LEFT - 44)

    foot = len(found) * HIGH
    parts = [f'<path class="rule" d="M{across(chance):.1f} 0V{foot}"/>']
    for row, (name, one) in enumerate(found.items()):
        y = row * HIGH + HIGH / 2
        kind = 4 if one.low <= chance else 1
        mark = " – chance?" if one.low <= chance else ""
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{escape(_short(name))}</text>'
            f'<path class="line s{kind}" d="M{across(one.low):.1f} {y:.0f}H{across(one.high):.1f}"/>'
            f'<circle class="f{kind}" cx="{across(one.value):.1f}" cy="{y:.0f}" r="4">'
            f"<title>{escape(name)}: {one:.3f}{mark}</title></circle>"
            f'<text x="{WIDTH - 8}" y="{y + 4:.0f}" text-anchor="end">{one.value:.2f}</text>'
        )
    for value in (chance, 1.0):
        parts.append(f'<text x="{across(value):.1f}" y="{foot + 16}" text-anchor="middle">{value:g}</text>')
    name, weakest = min(found.items(), key=lambda item: item[1].low)
    alt = (
        f"{len(found)} strata; the weakest is {name} with {weakest.value:.2f} [{weakest.low:.2f}, {weakest.high:.2f}]. "
        f"The dashed line at {chance:g} is chance."
    )
    return Figure(title, alt, "".join(parts), foot + 22)


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
