"""Results that can be used again: per-clip values of a benchmark's run, on disk, loaded, and compared between runs."""

from foresight.results.comparison import Comparison, compare
from foresight.results.run import Results, load
from foresight.results.values import ClipValues

__all__ = ["ClipValues", "Comparison", "Results", "compare", "load"]
