"""`foresight replay RUN`: make the attempts of a run again and check that the results are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from foresight.cli.attempts import attempt_rows
from foresight.cli.compose import build
from foresight.cli.console import console, print_table
from foresight.cli.predict import predict
from foresight.errors import UserError
from foresight.loop import PredictVerifyLoop, Trace, differences
from foresight.loop import replay as run_again
from foresight.run import environment


def replay(*, run: str) -> Trace:
    """Run the loop of a recorded prediction again, with the parts that its configuration names.

    Bit-identical results are promised on the same machine with the same versions; elsewhere the differences are told.

    Args:
        run: directory of a prediction with a policy.

    Returns:
        The new trace.

    Raises:
        UserError: if there is no such run, or something came out differently.
    """
    folder = Path(run)
    recorded = Trace.load(folder)
    parts = build(predict, _configuration(folder))
    loop = PredictVerifyLoop(
        **{name: parts[name] for name in ("model", "verifier", "policy", "budget", "noise_level", "reviser")}
    )
    again = run_again(loop, recorded)
    print_table("attempts made again", attempt_rows(again.record()))
    found = differences(recorded, again)
    if not found:
        console.print(f"the same: {len(again.attempts)} attempts, bit by bit, and the outcome")
        return again
    for line in [*found, *_changes(folder)]:
        console.print(line)
    raise UserError(
        expected=f"the results recorded in {folder}",
        got=f"{len(found)} differences: {'; '.join(found)}",
        remedy="replay on the machine and with the versions in its environment.json",
    )


def _configuration(folder: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        if not isinstance(config, dict) or not config.get("policy"):
            raise ValueError("no policy in config.yaml")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(
            expected=f"the configuration of a prediction with a policy in {folder}",
            got=f"{type(error).__name__}: {error}",
            remedy="name the run directory of `foresight predict policy=…`",
        ) from error
    return config


def _changes(folder: Path) -> list[str]:
    """What is different about the environment, in words."""
    try:
        then: Mapping[str, str] = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ["the environment was not recorded"]
    now = environment()
    return [f"{name} was {then.get(name)}, is {now[name]} now" for name in now if then.get(name) != now[name]]
