"""From costs to probabilities: a softmax whose temperature is fitted on calibration clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.verify import model_fingerprint
from foresight.world.calibration_file import CalibrationFile
from foresight.world.world_model import WorldModel

FILE = CalibrationFile(
    "temperature", "run `foresight calibrate calibration=temperature`, or give temperature= a number"
)
LOWEST, HIGHEST = 1e-4, 1e4


def probabilities(costs: Float[Tensor, " option"], temperature: float) -> Float[Tensor, " option"]:
    """softmax(−cost / temperature).

    Raises:
        ValueError: if the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0, got {temperature}")
    return torch.softmax(-costs / temperature, dim=0)


def fit_temperature(costs: Sequence[Float[Tensor, " option"]], right: Sequence[int]) -> float:
    """The temperature under which the right options are most probable, between 10⁻⁴ and 10⁴.

    The likelihood is concave in 1/temperature, so its slope, Σ (mean cost − cost of the right option), changes its sign
    once: bisection.

    Args:
        costs: of the options of each example.
        right: index of the right one of each.

    Raises:
        ValueError: if there are no examples, or an index is out of range.
    """
    pairs = list(zip(costs, right, strict=True))
    if not pairs or not all(0 <= index < len(row) for row, index in pairs):
        raise ValueError(f"expected examples with a right option each, got {len(pairs)}")

    def slope(inverse: float) -> float:
        return sum(
            float(probabilities(row.double(), 1 / inverse) @ row.double() - row[index].double()) for row, index in pairs
        )

    low, high = math.log(1 / HIGHEST), math.log(1 / LOWEST)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) >= 0 else (low, middle)
    return math.exp(-(low + high) / 2)


@dataclass(frozen=True)
class Temperature:
    """Temperatures by kind of goal, and what they were fitted on.

    Args:
        values: kind of goal → temperature.
        model: fingerprint of the world model.
        data: the calibration clips, in words.

    Raises:
        ValueError: if there is none, or one is out of range.
    """

    values: Mapping[str, float]
    model: str
    data: str

    def __post_init__(self) -> None:
        if not self.values or not all(LOWEST <= value <= HIGHEST for value in self.values.values()):
            raise ValueError(f"expected temperatures from {LOWEST:g} to {HIGHEST:g}, got {dict(self.values)}")

    def of(self, kind: str, model: WorldModel) -> float:
        """The temperature for a kind of goal.

        Raises:
            UserError: if it was fitted for another model or not for this kind.
        """
        if kind not in self.values or model_fingerprint(model) != self.model:
            got = "one of another model" if kind in self.values else f"one for {', '.join(self.values)}"
            raise UserError(
                expected=f"a temperature fitted for this model and a goal that is a {kind}",
                got=got,
                remedy=FILE.remedy,
            )
        return self.values[kind]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `temperature.json` into a folder."""
        FILE.write(folder, asdict(self))

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Temperature:
        """Read it from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """

        def build(found: dict[str, Any]) -> Temperature:
            values = {str(kind): float(value) for kind, value in found["values"].items()}
            return cls(values, found["model"], found["data"])

        return FILE.read(where, build)
