"""Displays of a run: labelled side-by-side videos, contact sheets, and a self-contained HTML page."""

from foresight.report.page import Curve, Film, Report, Signal, Table, percent, write_page
from foresight.report.panels import contact_sheet, side_by_side

__all__ = ["Curve", "Film", "Report", "Signal", "Table", "contact_sheet", "percent", "side_by_side", "write_page"]
