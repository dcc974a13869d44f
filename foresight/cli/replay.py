"""`foresight replay RUN`: make the attempts of a run again and check that the results are the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from foresight.cli.allowed import check_targets
from foresight.cli.attempts import attempt_rows
from foresight.cli.compose import build_some
from foresight.cli.console import console, print_table
from foresight.cli.moved import present
from foresight.cli.predict import predict
from foresight.cli.shipped import described
from foresight.errors import UserError, fault, printable
from foresight.loop import PredictVerifyLoop, Trace, differences
from foresight.loop import replay as run_again
from foresight.report.prediction import AttemptReport
from foresight.runs.directory import environment
from foresight.runs.received import ReceivedRun

PARTS = {
    "model": "world model",
    "verifier": "verifier",
    "policy": "policy",
    "budget": "budget",
    "reviser": "reviser",
}
"""Entries of a recorded configuration that are constructed again, and what each may be."""


def replay(*, run: str | Path, packages: Collection[str]) -> Trace:
    """Run the loop of a recorded prediction again, with the parts that its configuration names.

    The folder may be anybody's: it is data. Its configuration can name a model, a verifier, a policy, a budget and a
    reviser, each only in its own place, and what differs from those that are shipped is told; links in the folder are
    not followed, and nothing is written. Bit-identical results are promised on the same machine with the same versions;
    elsewhere the differences are told.

    Args:
        run: directory of a prediction with a policy.
        packages: of the user's own, which the configuration may name.

    Returns:
        The new trace.

    Raises:
        UserError: if there is no such run, it holds links, or something came out differently.
        ForbiddenTargetError: if its configuration names something else.
    """
    received = ReceivedRun(run)
    recorded = Trace.load(received.path)
    loop = PredictVerifyLoop(**_parts(_configuration(received), packages))
    again = run_again(loop, recorded)
    print_table(
        "attempts made again",
        attempt_rows([AttemptReport.from_dict(attempt) for attempt in again.record()["attempts"]]),
    )
    found = differences(recorded, again)
    if not found:
        console.print(f"the same: {len(again.attempts)} attempts, bit by bit, and the outcome")
        return again
    for line in [*found, *_changes(received)]:
        console.print(printable(line))
    raise UserError(
        expected=f"the results recorded in {received.path}",
        got=f"{len(found)} differences: {'; '.join(found)}",
        remedy="replay on the machine and with the versions in its environment.json",
    )


def _configuration(received: ReceivedRun) -> dict[str, Any]:
    try:
        config = present(received.yaml("config.yaml"))
        if not isinstance(config, dict) or not config.get("policy"):
            raise ValueError("no policy in config.yaml")
    except (OSError, ValueError) as error:
        raise UserError(
            expected=f"the configuration of a prediction with a policy in {received.path}",
            got=fault(error),
            remedy="name the run directory of `foresight predict policy=…`",
        ) from error
    return config


def _parts(config: Mapping[str, Any], packages: Collection[str]) -> dict[str, Any]:
    """Parts of the loop, each checked for its own place and printed before any of it is constructed."""
    wanted = {name: config.get(name) or None for name in PARTS} | {"noise_level": config.get("noise_level")}
    for name, purpose in PARTS.items():
        _check_part(name, wanted[name])
        check_targets(wanted[name], name, purposes=(purpose,), packages=packages)
    for name in PARTS:
        console.print(printable(f"{name}: {described(name, wanted[name], config)}"))
    return build_some(predict, wanted, packages)


def _check_part(name: str, part: Any) -> None:
    if part is None and name in ("verifier", "reviser"):
        return
    if not isinstance(part, dict) or "_target_" not in part or "_partial_" in part:
        raise UserError(
            expected=f"the {PARTS[name]} of the run at {name}, a mapping that names it as _target_",
            got=printable(repr(part)[:60]),
            remedy="name the run directory of `foresight predict policy=…` as it was written",
        )


def _changes(received: ReceivedRun) -> list[str]:
    """Changes of the environment, in words."""
    try:
        then = received.json("environment.json")
    except (OSError, ValueError):
        then = None
    if not isinstance(then, dict):
        return ["the environment was not recorded"]
    now = environment()
    return [f"{name} was {then.get(name)}, is {now[name]} now" for name in now if then.get(name) != now[name]]
