"""From plain configurations to objects: what is written arrives as written, what does not fit is told by its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from foresight.cli.compose import ConfigError, build, instantiate_plain, resolve
from foresight.cli.main import _unseen
from foresight.errors import UserError
from foresight.loop import Budget, Refine, Resample

ALARM = {
    "clips": 4,
    "physics": None,
    "split": "calibration",
    "prediction_stride": 8,
    "candidates": 2,
    "seed": 0,
    "steps": None,
}
SECRET = "FORESIGHT_TEST_SECRET"


def test_parts_are_constructed_inside_out() -> None:
    """Lists and mappings of parts keep their order and names."""
    found = instantiate_plain(
        {
            "first": {"_target_": "foresight.loop.Budget", "attempts": 3},
            "more": [{"_target_": "foresight.loop.Resample", "times": 2}, 5, "text"],
        }
    )
    assert found == {"first": Budget(attempts=3), "more": [Resample(times=2), 5, "text"]}
    later = instantiate_plain({"_target_": "foresight.loop.Refine", "_partial_": True, "part": "all", "times": 1})
    assert later(noise_level=0.5) == Refine(0.5, "all", 1)
    unset = instantiate_plain({"_target_": "foresight.loop.Budget", "_partial_": True})
    assert unset(3) == Budget(3), "what is still to come may come without its name"


def test_text_is_never_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like an interpolation in a finished configuration is text like any other."""
    monkeypatch.setenv(SECRET, "hidden")
    text = f"push ${{oc.env:{SECRET}}} ${{seed}} and {{ball}}"

    def command(instruction: str, seed: int) -> None:
        """Takes two values."""

    assert build(command, {"instruction": text, "seed": 1}) == {"instruction": text, "seed": 1}


@pytest.mark.parametrize("value", ["${oc.env:%s}", "a${oc.env:%s,x}", "${oc.${x}:%s}", "${oc.decode:${oc.env:%s}}"])
def test_configurations_do_not_read_the_environment(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A secret of the environment gets into no configuration; OmegaConf of other code is left as it was."""
    monkeypatch.setenv(SECRET, "hidden")
    (tmp_path / "paths").mkdir()
    (tmp_path / "paths" / "mine.yaml").write_text(f"runs: '{value % SECRET}'\nx: env\n")
    with pytest.raises(ConfigError) as caught:
        resolve("predict", ["video=a", "instruction=b", "paths=mine"], folders=[tmp_path])
    assert "hidden" not in str(caught.value)
    assert OmegaConf.create({"a": f"${{oc.env:{SECRET}}}"}).a == "hidden"


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ({"_target_": "foresight.loop.Budget", "atempts": 3}, "atempts"),
        ({"_target_": "foresight.loop.Budget"}, "attempts"),
        ({"_target_": "foresight.loop.Budget", "attempts": "many"}, r"part\.attempts= a whole number"),
        ({"_target_": "foresight.loop.Budget", "attempts": 2, "seconds": float("nan")}, r"part\.seconds="),
        ({"_target_": "foresight.loop.Budget", "attempts": 0}, "at least one attempt"),
        (
            {"_target_": "foresight.world.world_model.WorldModel.from_pretrained", "where": 5},
            r"part\.where= text or a path",
        ),
        ({"_target_": "foresight.loop.Resample", "times": -1}, r"part\.times= a whole number from 0"),
        ({"_target_": "foresight.watch.calibration.AlarmCalibration", **ALARM, "clips": 0}, r"part\.clips=.* from 1"),
        ({"_target_": "foresight.watch.calibration.AlarmCalibration", **ALARM, "candidates": -4}, r"part\.candidates="),
        ({"_target_": "lightning.Trainer", "max_steps": "abc"}, r"part\.max_steps= a whole number"),
        ({"_target_": "lightning.Trainer", "max_steps": float("nan")}, r"part\.max_steps="),
        ({"_target_": "lightning.Trainer", "max_steps": -3, "logger": False}, "lightning.Trainer"),
        ({"_target_": "lightning.Trainer", "max_step": 3}, "max_step"),
        ({"_target_": "lightning.Trainer", "accelerator": "abacus", "logger": False}, "abacus"),
    ],
)
def test_values_of_parts_are_checked_and_named_by_their_place(node: dict[str, Any], told: str) -> None:
    """An unknown, missing, mistyped, non-finite or impossible value inside a part is a mistake in words."""
    with pytest.raises(ValueError, match=told):
        instantiate_plain({"part": node})


def test_what_is_constructed_later_is_checked_too() -> None:
    """A trainer that is given its callbacks by the command refuses its values in the same words."""
    with pytest.raises(UserError, match="max_steps"):
        instantiate_plain({"_target_": "lightning.Trainer", "_partial_": True, "max_steps": "abc"})
    later = instantiate_plain({"_target_": "lightning.Trainer", "_partial_": True, "max_steps": -3, "logger": False})
    with pytest.raises(UserError, match=r"lightning\.Trainer"):
        later(callbacks=[])


def test_what_is_left_for_later_may_come_by_position() -> None:
    """As an optimizer's groups do."""
    make = instantiate_plain({"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.5})
    assert make([torch.nn.Parameter(torch.zeros(1))]).defaults["lr"] == 0.5


def test_what_comes_early_is_done_before_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments are constructed first, it is called, and chance is then as if it had not been."""
    order: list[str] = []

    def command(*, network: Any, data: Any) -> None:
        """Of two parts."""

    def early(*, data: Any) -> None:
        order.append(f"early {data}")
        torch.rand(3)

    def constructed(node: Any, place: str, *, packages: Any = ()) -> Any:
        order.append(place)
        return node

    monkeypatch.setattr("foresight.cli.compose.construct", constructed)
    config = {"network": {"a": 1}, "data": {"b": 2}}
    torch.manual_seed(7)
    expected = torch.rand(1)
    found = build(command, config, early=_unseen(early, {"seed": 7}))
    assert order == ["data", "early {'b': 2}", "network"] and found == config
    assert torch.equal(torch.rand(1), expected)
