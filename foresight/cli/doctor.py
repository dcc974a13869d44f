"""`foresight doctor`: what is installed, which weights are found, and what each release needs on this machine."""

from __future__ import annotations

import json as notation
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from foresight.cli.console import console, print_table
from foresight.machine.doctor import GIB, Report, examine


def doctor(*, where: Sequence[str | Path], json: bool) -> Report:
    """Print what is at hand, and what to do about what is missing.

    Args:
        where: files and folders to look at, beside the hub's cache.
        json: one JSON object instead of tables.
    """
    report = examine(where)
    if json:
        print(notation.dumps(asdict(report), indent=2))
        return report
    installed = [{"package": name, "version": version or "none"} for name, version in report.packages.items()]
    installed += [{"package": f"{name} (extra)", "version": found or "none"} for name, found in report.extras.items()]
    print_table("installed", installed)
    rows = []
    for device in report.devices:
        memory = f"{_gib(device.free)} of {_gib(device.total)}"
        rows.append(
            {
                "device": device.name,
                "model": device.model,
                "GiB free": memory,
                "computes in": "bfloat16" if device.bfloat16 else "float32",
            }
        )
    print_table("devices, the first is device=auto", rows)
    found = [one for one in report.weights if one.path is not None]
    if found:
        print_table("weights", [{"name": one.name, "what": one.what, "where": str(one.path)} for one in found])
    missing = [one.name for one in report.weights if one.path is None]
    if missing:
        console.print(f"not here: {', '.join(missing)}", soft_wrap=True)
    console.print(f"the hub's cache is {report.cache}, {_gib(report.disk)} GiB are free", soft_wrap=True)
    print_table(
        f"GiB of {report.devices[0].name} for a video of 121×512×768, by offload=; what auto takes; GiB on the disk",
        [
            {
                "model": fit.kind,
                "storage": fit.storage,
                **{offload: _gib(need) for offload, need in fit.needs.items()},
                "auto": fit.offload or "too large",
                "disk": _gib(fit.disk),
            }
            for fit in report.fits
        ],
    )
    for line in report.advice:
        console.print(f"- {line}", soft_wrap=True)
    return report


def _gib(count: int) -> str:
    return f"{count / GIB:.1f}"
