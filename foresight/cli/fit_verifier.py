"""`foresight fit-verifier`: fit a verifier for a world model and save it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foresight.cli.account import REMEDY
from foresight.cli.console import console, progress_bar
from foresight.data.reconstruction import SAMPLE, measured
from foresight.errors import UserError
from foresight.verify import Cases, EvidenceConfig, Measurements, Verifier, VideoCases, fit_on_cases
from foresight.verify.evidence.need import Need
from foresight.verify.signals import signal
from foresight.world.domain import reconstruct
from foresight.world.world_model import WorldModel

ALTERNATIVES = 3
"""How many other instructions are tried per clip, where there are as many."""


@dataclass(frozen=True)
class Fitted:
    """Measurements that a verifier is fitted on.

    Args:
        signals: names of the signals to combine against what was observed.
        plausibilities: names of what to combine where nothing was observed.
        frames: after how many observed frames the verifier can judge.
        candidates: candidates per prediction; the verifier will expect as many.
        noise_levels: of the flow signals, in (0, 1).
    """

    signals: Sequence[str]
    plausibilities: Sequence[str]
    frames: Sequence[int]
    candidates: int
    noise_levels: Sequence[float]


def fit_verifier(
    *,
    model: WorldModel,
    fitted: Fitted,
    cases: Cases,
    coverage: float,
    to: str | Path,
) -> Verifier:
    """Fit on cases; every clip serves weights, calibration and thresholds by cross-fitting.

    What cannot be known of these clips is left out with a word: plausibilities where nobody knows where things are, and
    signals that compare instructions where only one thing is told, or nothing.

    Args:
        model: the world model.
        fitted: measurements that it is fitted on.
        cases: clips with true and wrong futures, none of which it is tested on.
        coverage: of the conformal decision.
        to: folder to write.

    Raises:
        ValueError: if a name is unknown or a number out of its range.
        UserError: if no signal is left, or the clips run at another rate than the model.
    """
    told = cases.instructions
    names = _measurable(model, fitted.signals, told)
    plausibilities = fitted.plausibilities
    if plausibilities and not cases.placed:
        console.print(
            "no plausibilities: nobody knows where things are in these clips, and so which candidates come true"
        )
        plausibilities = ()
    _check_rate(model, cases)
    _give_reconstruction(model, cases)
    measurements = Measurements(
        signals=names,
        plausibilities=tuple(plausibilities),
        frames=tuple(fitted.frames),
        candidates=fitted.candidates,
        evidence=EvidenceConfig(told, count=min(ALTERNATIVES, len(told) - 1), sigmas=tuple(fitted.noise_levels)),
    )
    with progress_bar("fitting the verifier") as progress:
        verifier = fit_on_cases(model, measurements, cases, coverage=coverage, progress=progress)
    verifier.save_pretrained(to)
    console.print(f"wrote {to}")
    return verifier


def _measurable(model: WorldModel, signals: Sequence[str], told: Sequence[str]) -> tuple[str, ...]:
    """The signals that say something where so many different things are told."""
    if len(told) > 1:
        return tuple(signals)
    # Without adapter, what a flow is told is the instruction alone: where it is empty, nothing is told to compare.
    silent = {Need.FLOW_OTHERS, Need.ACTION} | ({Need.FLOW_UNCONDITIONAL} if model.adapter is None else set())
    out = [name for name in signals if signal(name).needs & silent]
    kept = tuple(name for name in signals if name not in out)
    if not kept:
        raise UserError(
            expected="at least two different instructions, to see which one explains what happened",
            got=repr(list(told)),
            remedy="say in the table what is done in each clip, or choose other signals",
        )
    if out:
        what = f"only {told[0]!r} is" if told and told[0] else "nothing is"
        console.print(f"{what} ever told in these clips: {', '.join(out)} left out")
    return kept


def _check_rate(model: WorldModel, cases: Cases) -> None:
    rate = cases.frame_rate if isinstance(cases, VideoCases) else None
    if rate is not None and rate != model.sampling_config.frame_rate:
        raise UserError(
            expected=f"clips at the model's {model.sampling_config.frame_rate:g} frames a second",
            got=f"{rate:g}",
            remedy=f"give cases.clips.frame_rate={model.sampling_config.frame_rate:g}",
        )


def _give_reconstruction(model: WorldModel, cases: Cases) -> None:
    """Print how well the VAE draws the first of the cases; a verifier is fitted all the same."""
    contexts = next(iter(cases.batches(SAMPLE))).contexts[:, :, -model.sampling_config.context_frames :]
    found = measured((clip[None], reconstruct(model, clip[None])) for clip in contexts)
    console.print(found.sentence(REMEDY))
