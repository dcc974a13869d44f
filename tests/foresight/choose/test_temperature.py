"""Probabilities of options and their temperature, by hand."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest
import torch

from foresight.choose import Temperature, fit_temperature, probabilities
from foresight.errors import UserError
from foresight.verify import model_fingerprint
from foresight.world.world_model import WorldModel


def test_probabilities_by_hand() -> None:
    """Costs 0 and 1 at temperature 1 / ln 3 are as 3 to 1, and all add up to 1."""
    assert torch.allclose(probabilities(torch.tensor([0.0, 1.0]), 1 / log(3)), torch.tensor([0.75, 0.25]))
    assert float(probabilities(torch.tensor([3.0, 1.0, 2.0]), 0.1).sum()) == pytest.approx(1)
    with pytest.raises(ValueError, match="above 0"):
        probabilities(torch.zeros(2), 0.0)


def test_the_temperature_is_the_one_under_which_the_share_that_is_right_is_expected() -> None:
    """The nearer of two options is right 3 times out of 4: the maximum likelihood is at 1 / ln 3."""
    costs = [torch.tensor([0.0, 1.0])] * 4
    assert fit_temperature(costs, [0, 0, 0, 1]) == pytest.approx(1 / log(3), rel=1e-6)


def test_costs_that_are_always_or_never_right_end_at_the_limits() -> None:
    """Never wrong is as cold as allowed, no better than chance as hot."""
    costs = [torch.tensor([0.0, 1.0])] * 4
    assert fit_temperature(costs, [0] * 4) == pytest.approx(1e-4, rel=1e-3)
    assert fit_temperature(costs, [0, 1, 1, 1]) == pytest.approx(1e4, rel=1e-3)
    with pytest.raises(ValueError, match="right option"):
        fit_temperature(costs, [0, 0, 0, 2])


def test_it_is_kept_with_what_it_was_fitted_for(world: WorldModel, tmp_path: Path) -> None:
    """Read back as written; another kind of goal or another model is refused."""
    fitted = Temperature({"image": 0.5}, model_fingerprint(world), "made up")
    fitted.save_pretrained(tmp_path)
    again = Temperature.from_pretrained(tmp_path)
    assert again == fitted and again.of("image", world) == 0.5
    with pytest.raises(UserError, match="sentence"):
        again.of("sentence", world)
    with pytest.raises(UserError, match="another model"):
        Temperature({"image": 0.5}, "x" * 64, "made up").of("image", world)


@pytest.mark.parametrize("text", ["{", "[]", '{"values": {"image": -1}, "model": "", "data": ""}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    """The error says what to run."""
    (tmp_path / "temperature.json").write_text(text)
    with pytest.raises(UserError, match="foresight calibrate"):
        Temperature.from_pretrained(tmp_path)


@pytest.mark.parametrize("values", [{}, {"image": 0.0}, {"image": float("nan")}])
def test_temperatures_on_nothing_are_none(values: dict[str, float]) -> None:
    """No temperature, one of 0 and one that is no number are refused before they could be saved."""
    with pytest.raises(ValueError, match="temperatures from"):
        Temperature(values, "model", "")
