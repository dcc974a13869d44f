"""The alarm: thresholds by hand, its promise in simulation, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foresight.errors import UserError
from foresight.physics import PhysicsConfig
from foresight.watch import Alarm
from foresight.watch.alarm import AlarmSettings
from foresight.watch.calibration import AlarmCalibration
from foresight.world.world_model import WorldModel

WATCHING = AlarmSettings(model="m" * 64, prediction_stride=8, candidates=8, steps=4)


def alarm(values) -> Alarm:
    return Alarm(tuple(float(value) for value in values), WATCHING, "made up")


def test_the_threshold_by_hand() -> None:
    """Of the surprises 1 … 99, the 95th is the threshold at 95 %, the 50th at a half."""
    assert alarm(range(1, 100)).threshold(0.95) == 95
    assert alarm(range(1, 100)).threshold(0.5) == 50
    assert alarm(range(1, 100)).threshold(0.99) == 99


@pytest.mark.parametrize("coverage", [0.995, 1.0, 0.0, -1.0])
def test_more_coverage_than_examples_can_promise_is_refused(coverage: float) -> None:
    """99 examples cannot promise 99.5 %."""
    with pytest.raises(UserError, match="coverage"):
        alarm(range(1, 100)).threshold(coverage)


def test_ordinary_moments_raise_an_alarm_as_rarely_as_promised() -> None:
    """Over 2,000 alarms fitted on 39 draws each, new draws exceed the threshold in 10 % of the cases."""
    rng = np.random.default_rng(0)
    above = [rng.normal() > alarm(sorted(rng.normal(size=39))).threshold(0.9) for _ in range(2000)]
    assert np.mean(above) == pytest.approx(0.1, abs=0.02)


def test_it_is_read_back_as_written(tmp_path: Path) -> None:
    """Saving and reading change nothing."""
    alarm([0.1, 0.25, 3]).save_pretrained(tmp_path)
    assert Alarm.from_pretrained(tmp_path) == alarm([0.1, 0.25, 3])


def test_an_alarm_of_before_is_read(tmp_path: Path) -> None:
    """The stride was called `ahead` in files; such a file is the same alarm."""
    fitted = alarm([0.1, 0.25, 3])
    fitted.save_pretrained(tmp_path)
    file = tmp_path / "alarm.json"
    file.write_text(file.read_text().replace('"prediction_stride"', '"ahead"'))
    assert '"ahead"' in file.read_text() and Alarm.from_pretrained(tmp_path) == fitted


@pytest.mark.parametrize("text", ["{", "{}", '{"surprises": [2, 1], "watching": {}, "data": ""}', "[]"])
def test_a_damaged_file_is_refused_in_one_way(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with the file, the error says what to run."""
    (tmp_path / "alarm.json").write_text(text)
    with pytest.raises(UserError, match="foresight calibrate"):
        Alarm.from_pretrained(tmp_path)


def test_one_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    """A world model of one's own has none at first: no error of Python's is shown, and what to do is."""
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(UserError, match=r"got no alarm\.json; run .*, or watch with alarm=none") as refused:
        Alarm.from_pretrained(tmp_path)
    assert "Errno" not in str(refused.value)


@pytest.mark.parametrize("change", [{"model": "n" * 64}, {"prediction_stride": 16}, {"candidates": 4}, {"steps": 8}])
def test_another_way_of_watching_is_refused(change: Any) -> None:
    """Its threshold says nothing about another model, stretch, number of candidates or steps."""
    alarm([1]).check(WATCHING)
    with pytest.raises(UserError, match=next(iter(change))):
        alarm([1]).check(replace(WATCHING, **change))


def test_fitting_measures_one_stretch_of_each_clip(world: WorldModel) -> None:
    """Five clips give five finite surprises in order; worlds with pushes are refused."""
    physics = PhysicsConfig(push_probability=0.0, frames=25)
    how = {"clips": 5, "split": "calibration", "prediction_stride": 8, "candidates": 2, "seed": 0, "steps": 1}
    fitted = AlarmCalibration(physics=physics, **how)(world)
    assert len(fitted.surprises) == 5 and list(fitted.surprises) == sorted(fitted.surprises)
    assert fitted.settings.prediction_stride == 8 and "calibration" in fitted.data
    with pytest.raises(ValueError, match="without pushes"):
        AlarmCalibration(physics=PhysicsConfig(), **how)
    with pytest.raises(ValueError, match="at least 17 frames"):
        AlarmCalibration(physics=replace(physics, frames=16), **how)(world)


@pytest.mark.parametrize("surprises", [(), (1.0, float("nan")), (float("inf"),), (2.0, 1.0)])
def test_an_alarm_on_nothing_is_none(surprises: tuple[float, ...]) -> None:
    """No stretches, and surprises that are no numbers or out of order, make no alarm that could be saved."""
    with pytest.raises(ValueError, match="surprises"):
        Alarm(surprises, AlarmSettings("model", 8, 2, 4), "")


def test_the_largest_coverage_is_named() -> None:
    """Of 99 stretches at most 99 of 100; of one, a half."""
    for count, most in ((99, "0.99"), (1, "0.5")):
        with pytest.raises(UserError, match=f"a coverage between 0 and {most}, for {count} nominal segments"):
            alarm(range(1, count + 1)).threshold(0.995)
