"""Choice by imagination: predict what each instruction leads to, and rank them by their nearness to a goal."""

from foresight.choose.choice import Choice, choose
from foresight.choose.goals import Goal, ImageGoal, SentenceGoal, read_goal
from foresight.choose.temperature import Temperature, fit_temperature, probabilities

__all__ = [
    "Choice",
    "Goal",
    "ImageGoal",
    "SentenceGoal",
    "Temperature",
    "choose",
    "fit_temperature",
    "probabilities",
    "read_goal",
]
