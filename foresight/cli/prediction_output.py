"""What a run of `foresight predict` leaves in its folder and prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from foresight.cli.attempts import attempt_rows
from foresight.cli.console import console, print_table
from foresight.cli.page import SAID, draw_page
from foresight.report import contact_sheet, percent, side_by_side
from foresight.runs.directory import RunDirectory
from foresight.video.clips import Clip
from ltx.media import write_mp4

SHORT = ("attempt", "instruction", "as told", "hit", "decision", "seconds", "evaluations")
"""What fits on a terminal of what is known of an attempt; the page shows all."""


def write(folder: RunDirectory, clip: Clip, shown: Tensor, record: dict[str, Any], config: Mapping[str, Any]) -> None:
    """Write the videos, the contact sheet, the record and the page."""
    rate = clip.frame_rate
    write_mp4(folder / "prediction.mp4", shown, frame_rate=rate)
    write_mp4(
        folder / "side_by_side.mp4", side_by_side(clip.context, shown, clip.observed, frame_rate=rate), frame_rate=rate
    )
    rows = {"predicted": shown} if clip.observed is None else {"what happened": clip.observed, "predicted": shown}
    contact_sheet(folder / "contact_sheet.png", rows, frame_rate=rate)
    folder.write_config(config)
    folder.write_environment()
    folder.write_metrics(record)
    draw_page(folder / ".", record, folder / "report.html")


def show(record: Mapping[str, Any], clip: Clip, folder: RunDirectory) -> None:
    """Print what the run says."""
    for sentence in record["policy"]:
        console.print(sentence)
    if "adapter" in record["facts"]:
        console.print(f"adapter: {record['facts']['adapter']}")
    if loop := record.get("loop"):
        print_table("attempts", [{name: row[name] for name in SHORT} for row in attempt_rows(loop)])
        console.print(loop["decision"], style="bold")
        if loop["unseen"]:
            print_table("frames that the loop had not seen", loop["unseen"])
    if record["scores"] and clip.observed is not None:
        rows = [
            {"": name, "PSNR (dB)": f"{one['psnr']:.2f}", "SSIM": f"{one['ssim']:.4f}", "MSE": f"{one['mse']:.5f}"}
            for name, one in record["scores"].items()
        ]
        print_table(f"{clip.observed.shape[1]} predicted frames against what happened", rows)
    verdict = record["verdict"]
    if verdict:
        console.print(f"verdict: {verdict['decision']}", style="bold")
        if verdict.get("reason"):
            console.print(verdict["reason"])
        for name, text in SAID.items():
            if verdict[name] is not None:
                console.print(f"{percent(verdict[name])} {text}")
        signals = [
            {"signal": s["name"].replace("_", " "), "value": f"{s['value']:.3g}", "support": f"{s['support']:+.2f}"}
            for s in verdict["signals"]
        ]
        if signals:
            print_table("signals", signals)
    ranked = [one for one in record["candidates"] if one["plausibility"] is not None]
    if ranked and not verdict:
        ranked.sort(key=lambda one: -one["plausibility"])
        print_table(
            "candidates",
            [
                {
                    "seed": str(one["seed"]),
                    "plausibility": f"{one['plausibility']:.2f}",
                    "": "shown" if one["chosen"] else "",
                }
                for one in ranked
            ],
        )
    print_table("seconds", [{"stage": name, "seconds": f"{value:.2f}"} for name, value in record["seconds"].items()])
    total = math.fsum(record["seconds"].values())
    console.print(f"{total:.1f} s in all; run directory {folder.path}")
