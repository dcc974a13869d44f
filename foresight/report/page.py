"""The report of a run as one HTML file: videos inside, no link to anywhere, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure
from foresight.report.players import Players, players_html, script, script_hash
from ltx.files import write_text

_MEDIA = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",  # as a picture: nothing in it is run
}


@dataclass(frozen=True)
class Film:
    """A video or picture file that goes into the page, with the words under it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Table:
    """Rows of text under column heads; the first column names the row, the others are set as numbers.

    Args:
        columns: heads.
        rows: cells, as many per row as heads.
        best: index of the row to stress, or None.
        note: a sentence below, may be empty.
        failed: indices of rows that tell of a failure, such as a promise that does not hold.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: int | None = None
    note: str = ""
    failed: Sequence[int] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"expected rows of {len(self.columns)} cells, got {[len(row) for row in self.rows]}")


@dataclass(frozen=True)
class Signal:
    """One reason behind a verdict.

    Args:
        name: e.g. "flow contrast".
        value: as printed.
        support: how far it speaks for the prediction, −1 (against) … 1 (for), for the bar.
        meaning: one sentence.
    """

    name: str
    value: str
    support: float
    meaning: str


@dataclass(frozen=True)
class Curve:
    """Lines over time, e.g. the error per predicted frame.

    Args:
        title: heading.
        lines: name → one value per position; NaN leaves a gap.
        x: positions, increasing.
        x_label: e.g. "seconds after the context".
        y_label: e.g. "mean squared error".
    """

    title: str
    lines: Mapping[str, Sequence[float]]
    x: Sequence[float]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class Report:
    """Everything the page shows, in its order; parts left empty do not appear.

    Args:
        title: headline.
        instruction: what the model was told.
        players: videos in step; they come first.
        sentence: the verdict in a sentence for everybody; empty without one.
        why: reasons, in sentences.
        decision: the verdict in a word, e.g. "accept"; empty without an observation.
        probabilities: what is how probable, from 0 to 1, in words that follow the number; the first one large.
        signals: what the verdict rests on.
        films: videos, the first one large.
        tables: heading → metrics.
        curves: line charts.
        figures: drawn by `foresight.plots`.
        candidates: the ranking of candidates, None if there is only one.
        stages: name → seconds.
        policy: what was done to the input, in sentences.
        facts: name → value: model, command, versions.
    """

    title: str
    instruction: str = ""
    players: Sequence[Players] = ()
    sentence: str = ""
    why: Sequence[str] = ()
    decision: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    signals: Sequence[Signal] = ()
    films: Sequence[Film] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    curves: Sequence[Curve] = ()
    figures: Sequence[Figure] = ()
    candidates: Table | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    policy: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(0 <= value <= 1 for value in self.probabilities.values()):
            raise ValueError(f"expected probabilities in [0, 1], got {[*self.probabilities.values()]}")


def write_page(path: str | Path, report: Report) -> None:
    """Write the report to `path` in one step.

    Raises:
        ValueError: if a film is of an unknown kind.
        OSError: if a film cannot be read or the folder cannot be written.
    """
    write_text(path, render(report))


def render(report: Report) -> str:
    """The report as HTML text."""
    template = Template((files("foresight.report") / "page.html").read_text(encoding="utf-8"))
    parts = [
        _reel(report.players),
        _verdict(report),
        _figures(report),
        _films(report.films),
        *(_section(heading, _table(table)) for heading, table in report.tables.items()),
        _section("Candidates", _table(report.candidates)) if report.candidates else "",
        _section("Time of each stage", _stages(report.stages)) if report.stages else "",
        _section("What was done to the input", _list(report.policy)) if report.policy else "",
        _section("Run", _facts(report.facts)) if report.facts else "",
    ]
    instruction = f'<p class="instruction">“{escape(report.instruction)}”</p>' if report.instruction else ""
    return template.substitute(
        title=escape(report.title),
        instruction=instruction,
        body="\n".join(filter(None, parts)),
        policy=f"; script-src '{script_hash()}'" if report.players else "",
        script=f"<script>{script()}</script>" if report.players else "",
    )


def _reel(players: Sequence[Players]) -> str:
    shown = "".join(map(players_html, players))
    return f'<div class="reel">{shown}</div>' if len(players) > 1 else shown


def _figures(report: Report) -> str:
    drawn = [*report.figures, *map(_curve, report.curves)]
    return f'<section class="figures">{"".join(one.svg for one in drawn)}</section>' if drawn else ""


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{body}</section>"


def _verdict(report: Report) -> str:
    if not report.probabilities and not report.decision and not report.signals and not report.sentence:
        return ""
    parts = [f'<p class="sentence">{escape(report.sentence)}</p>'] if report.sentence else []
    if report.probabilities:
        bars = "".join(_probability(value, text) for text, value in report.probabilities.items())
        parts.append(f'<div class="probabilities">{bars}</div>')
    if report.why:
        parts.append(f"<details open><summary>Why</summary>{_list(report.why)}</details>")
    if report.decision:
        parts.append(f'<p class="decision">Decision: <strong>{escape(report.decision)}</strong></p>')
    if report.signals:
        rows = "".join(map(_signal, report.signals))
        parts.append(
            "<details open><summary>Signals: left speaks against, right for</summary>"
            f'<div class="scroll"><table class="signals"><tbody>{rows}</tbody></table></div></details>'
        )
    return f'<section class="verdict"><h2>Verdict</h2>{"".join(parts)}</section>'


def percent(probability: float) -> str:
    """A probability for people: whole percent, and never 0 or 100, which no finite number of examples can show."""
    return (
        "> 99 %" if probability > 0.99 else "< 1 %" if probability < 0.01 else f"{probability:.0%}".replace("%", " %")
    )


def _probability(probability: float, text: str) -> str:
    said = escape(percent(probability))
    return (
        f'<p class="probability"><strong>{said}</strong> {escape(text)}'
        f'<span class="meter" role="img" aria-label="{said}"><i style="width:{100 * probability:.1f}%"></i></span></p>'
    )


def _signal(signal: Signal) -> str:
    support = min(1.0, max(-1.0, signal.support))
    side, width = ("for", support) if support >= 0 else ("against", -support)
    return (
        f'<tr><th scope="row">{escape(signal.name)}</th><td class="number">{escape(signal.value)}</td>'
        f'<td class="support"><i class="{side}" style="width:{50 * width:.1f}%"></i></td>'
        f"<td>{escape(signal.meaning)}</td></tr>"
    )


def _films(films: Sequence[Film]) -> str:
    if not films:
        return ""
    # The first film and every picture take the whole width; they hold text.
    large = [index == 0 or film.path.suffix.lower() == ".png" for index, film in enumerate(films)]
    shown = [_figure(film, "large" if wide else "small") for film, wide in zip(films, large, strict=True)]
    return f'<section class="films">{"".join(shown)}</section>'


def _figure(film: Film, size: str) -> str:
    kind = _MEDIA.get(film.path.suffix.lower())
    if kind is None:
        raise ValueError(f"expected a film that ends in one of {', '.join(_MEDIA)}, got {film.path}")
    data = f"data:{kind};base64,{base64.b64encode(film.path.read_bytes()).decode()}"
    caption = escape(film.caption)
    if kind.startswith("video/"):
        shown = f'<video src="{data}" controls loop muted autoplay playsinline aria-label="{caption}"></video>'
    else:
        shown = f'<img src="{data}" alt="{caption}">'
    return f'<figure class="{size}">{shown}<figcaption>{caption}</figcaption></figure>'


LONG = 12
"""Rows from which on a table is folded away, so that the page can be read past it."""


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = []
    for index, row in enumerate(table.rows):
        cells = "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        kind = "best" if index == table.best else "failed" if index in table.failed else ""
        mark = f' class="{kind}"' if kind else ""
        rows.append(f'<tr{mark}><th scope="row">{escape(row[0])}</th>{cells}</tr>')
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    whole = (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>{note}'
    )
    folded = len(rows) > LONG and not table.failed
    return f"<details><summary>{len(rows)} rows</summary>{whole}</details>" if folded else whole


def _curve(curve: Curve) -> Figure:
    lines = [Line(name, curve.x, values) for name, values in curve.lines.items()]
    ends = "; ".join(f"{name} ends at {values[-1]:.3g}" for name, values in curve.lines.items())
    alt = f"{curve.title}: {curve.y_label} against {curve.x_label}. {ends}."
    return line_figure(curve.title, lines, Axis(curve.x_label, 0.0), Axis(curve.y_label, 0.0), alt=alt)


def _stages(stages: Mapping[str, float]) -> str:
    total = sum(stages.values())
    rows = [
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{seconds:.2f} s</td>'
        f'<td class="share"><i style="width:{100 * seconds / total if total else 0:.1f}%"></i></td></tr>'
        for name, seconds in stages.items()
    ]
    rows.append(f'<tr class="best"><th scope="row">total</th><td class="number">{total:.2f} s</td><td></td></tr>')
    return f'<table class="stages"><tbody>{"".join(rows)}</tbody></table>'


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _facts(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(k)}</dt><dd>{escape(v)}</dd>' for k, v in facts.items())}</dl>"
