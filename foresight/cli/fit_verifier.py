"""`foresight fit-verifier`: fit a verifier for a world model and save it."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.cli.console import console, progress_bar
from foresight.physics import PhysicsConfig
from foresight.physics.language import all_instructions
from foresight.verify import Gathering, Measurements, Verifier, fit_on_physics
from foresight.world_model import WorldModel


def fit_verifier(
    *,
    model: WorldModel,
    signals: Sequence[str],
    plausibilities: Sequence[str],
    frames: Sequence[int],
    clips: int,
    physics: PhysicsConfig,
    candidates: int,
    kinds: Sequence[str],
    negatives: int,
    noise_levels: Sequence[float],
    coverage: float,
    split: str,
    to: str,
) -> Verifier:
    """Fit on the simulated world; every clip serves weights, calibration and thresholds by cross-fitting.

    Args:
        model: the world model.
        signals: names of the signals to combine against what was observed.
        plausibilities: names of what to combine where nothing was observed.
        frames: after how many observed frames the verifier can judge.
        clips: number of clips.
        physics: the world.
        candidates: candidates per prediction; the verifier will expect as many.
        kinds: of counterfactual futures.
        negatives: how many of them per clip, in turn.
        noise_levels: of the flow signals, in (0, 1).
        coverage: of the conformal decision.
        split: where the clips come from; never the one that is tested on.
        to: folder to write.

    Raises:
        ValueError: if a name is unknown or a number out of its range.
    """
    measurements = Measurements(
        signals=tuple(signals),
        plausibilities=tuple(plausibilities),
        frames=tuple(frames),
        candidates=candidates,
        gathering=Gathering(tuple(all_instructions()), sigmas=tuple(noise_levels)),
        kinds=tuple(kinds),
        negatives=negatives,
    )
    with progress_bar("fitting the verifier") as progress:
        verifier = fit_on_physics(
            model,
            measurements,
            clips=clips,
            physics=physics,
            coverage=coverage,
            split=split,
            progress=progress,
        )
    verifier.save_pretrained(to)
    console.print(f"wrote {to}")
    return verifier
