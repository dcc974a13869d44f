"""`foresight fit-verifier`: fit a verifier for a world model and save it."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.cli.console import console, progress_bar
from foresight.physics import PhysicsConfig
from foresight.verify import Verifier, fit_on_physics
from foresight.world_model import WorldModel


def fit_verifier(
    *,
    model: WorldModel,
    signals: Sequence[str],
    clips: int,
    physics: PhysicsConfig,
    candidates: int,
    coverage: float,
    split: str,
    to: str,
) -> Verifier:
    """Fit on the simulated world, half of the clips for weights and half for calibration.

    Args:
        model: the world model.
        signals: names of the signals to combine.
        clips: number of clips.
        physics: the world.
        candidates: candidates per prediction; the verifier will expect as many.
        coverage: of the conformal decision.
        split: where the clips come from; never the one that is tested on.
        to: folder to write.
    """
    with progress_bar("fitting the verifier") as progress:
        verifier = fit_on_physics(
            model,
            signals=signals,
            clips=clips,
            physics=physics,
            candidates=candidates,
            coverage=coverage,
            split=split,
            progress=progress,
        )
    verifier.save_pretrained(to)
    console.print(f"wrote {to}")
    return verifier
