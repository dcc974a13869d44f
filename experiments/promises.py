"""Every promise of every benchmark, gathered from the published tables into the README.

Run it by `python -m experiments.promises` after `foresight evaluate … page=` has written new tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from foresight.evaluation.tables import markdown, publish, section

ROOT = Path(__file__).resolve().parent.parent
README = "README.md"
PAGES = (README, "docs/verification.md", "docs/loop.md", "docs/streams.md")
NAME = "promises"


@dataclass(frozen=True)
class Promised:
    """The gates of one benchmark, as a page shows them."""

    benchmark: str
    page: str
    command: str
    gates: tuple[dict[str, str], ...]

    @property
    def broken(self) -> list[dict[str, str]]:
        return [gate for gate in self.gates if gate[""] != "holds"]

    def row(self) -> dict[str, str]:
        broken = [f"{gate['gate']}: {gate['found [95 % interval]']}, {gate['aim']}" for gate in self.broken]
        return {
            "benchmark": f"`{self.command}`",
            "clips": str(max(int(gate["clips"]) for gate in self.gates)),
            "holds": f"{len(self.gates) - len(broken)} of {len(self.gates)}",
            "fails": "; ".join(broken) or "–",
            "tables": "below" if self.page == README else f"[{self.page}]({self.page})",
        }


def read(text: str, page: str) -> list[Promised]:
    """What a page promises: of each `<!-- benchmark -->` section with gates, these and the command above it.

    Raises:
        ValueError: if no command stands above such a section.
    """
    found = []
    for mark in re.finditer(r"<!-- (\w+) -->\n(.*?)<!-- /\1 -->", text, re.DOTALL):
        gates = re.search(r"\*\*gates\*\*\n\n((?:\|.*\n)+)", mark[2])
        if mark[1] != NAME and gates:
            commands = re.findall(rf"`(foresight evaluate benchmark={mark[1]}\b[^`]*)`", text[: mark.start()])
            if not commands:
                raise ValueError(
                    f"expected `foresight evaluate benchmark={mark[1]} …` above its tables in {page}, got none"
                )
            command = re.sub(r" (page|model)=\S+", "", commands[-1])
            found.append(Promised(mark[1], page, command, _rows(gates[1])))
    return found


def _rows(table: str) -> tuple[dict[str, str], ...]:
    # What `markdown` wrote: a bar inside of a cell has a backslash before it.
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
    lines = [[cell.strip().replace("\\|", "|") for cell in line] for line in cells]
    return tuple(dict(zip(lines[0], line, strict=True)) for line in lines[2:])


def summary(found: list[Promised]) -> str:
    """A row per benchmark, and folded, a row per promise whose table stands on another page."""
    others = [{"benchmark": one.benchmark} | gate for one in found if one.page != README for gate in one.gates]
    return f"{markdown([one.row() for one in found])}\n\n{section('promises of the other pages', others)}"


def gathered() -> str:
    """The summary of the pages as they are."""
    return summary([one for page in PAGES for one in read((ROOT / page).read_text(encoding="utf-8"), page)])


if __name__ == "__main__":
    publish(gathered(), ROOT / README, NAME)
