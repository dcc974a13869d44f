"""One picture language: each figure is a function that takes records and returns a `Figure`, for page and notebook.

Figures are SVG. They are drawn 400 units wide, so that their text can be read on a phone, follow the reader's choice of
light or dark, tell series apart by dashes and marks as well as by colour, and say in words what is to be seen.
"""

from foresight.plots.conditioning import conditioning_by_noise
from foresight.plots.figure import Figure
from foresight.plots.film_strip import film_strip
from foresight.plots.loop_strip import loop_strip
from foresight.plots.maps import spread_and_error
from foresight.plots.planning import planning_strip
from foresight.plots.reliability import reliability_diagram
from foresight.plots.risk_coverage import risk_coverage
from foresight.plots.roc import roc_curves
from foresight.plots.skill import error_over_spread, skill_by_frame
from foresight.plots.strata import strata_grid
from foresight.plots.surprise import surprise_timeline
from foresight.plots.training import training_curves

__all__ = [
    "Figure",
    "conditioning_by_noise",
    "error_over_spread",
    "film_strip",
    "loop_strip",
    "planning_strip",
    "reliability_diagram",
    "risk_coverage",
    "roc_curves",
    "skill_by_frame",
    "spread_and_error",
    "strata_grid",
    "surprise_timeline",
    "training_curves",
]
