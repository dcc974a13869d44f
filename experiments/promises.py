"""Every promise of every benchmark, gathered from the published tables: a row each in the README, all in the results.

Run it by `python -m experiments.promises` after `foresight evaluate … page=` has written new tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from foresight.evaluation.tables import markdown, publish, section

ROOT = Path(__file__).resolve().parent.parent
README = "README.md"
RESULTS = "docs/results.md"
PAGES = (RESULTS, "docs/verification.md", "docs/loop.md", "docs/streams.md")
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
        """For the README: how much was promised, how much holds, and where that stands."""
        broken = [f"{gate['gate']} ({gate['found [95 % interval]']}, {gate['aim']})" for gate in self.broken]
        return {
            "benchmark": f"[{self.benchmark.replace('_', ' ')}]({self.page})",
            "clips": str(max(int(gate["clips"]) for gate in self.gates)),
            "promises kept": f"{len(self.gates) - len(broken)} of {len(self.gates)}",
            "broken": "; ".join(broken) or "–",
        }

    def rows(self) -> list[dict[str, str]]:
        """For the results: a row per promise."""
        return [{"benchmark": f"`{self.command}`" if not index else ""} | gate for index, gate in enumerate(self.gates)]


def read(text: str, page: str) -> list[Promised]:
    """Promises of a page: of each `<!-- benchmark -->` section with gates, these and the command above it.

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


def gathered() -> tuple[str, str]:
    """Of the pages as they are: the summary for the README, and every promise for the page of results."""
    found = [one for page in PAGES for one in read((ROOT / page).read_text(encoding="utf-8"), page)]
    return markdown([one.row() for one in found]), section("promises", [row for one in found for row in one.rows()])


if __name__ == "__main__":
    for text, page in zip(gathered(), (README, RESULTS), strict=True):
        publish(text, ROOT / page, NAME)
