"""Displays of a run: labelled side-by-side videos, contact sheets, and a self-contained HTML page."""

from foresight.report.page import Curve, Film, Report, Signal, Table, percent, write_page
from foresight.report.panels import contact_sheet, in_step, side_by_side
from foresight.report.players import Player, Players

__all__ = [
    "Curve",
    "Film",
    "Player",
    "Players",
    "Report",
    "Signal",
    "Table",
    "contact_sheet",
    "in_step",
    "percent",
    "side_by_side",
    "write_page",
]
