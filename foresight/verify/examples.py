"""Measurements of predicted clips against true and wrong futures, and before any of it is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.metrics.picture import mse
from foresight.physics import PhysicsClip
from foresight.progress import Progress, silent
from foresight.verify.cases import TRUE, Cases, OutcomeBatch, OutcomeSet
from foresight.verify.correctness import TOLERANCE, worst_position_error
from foresight.verify.evidence.builder import EvidenceBuilder
from foresight.verify.evidence.need import Need
from foresight.verify.evidence.records import EvidenceConfig
from foresight.verify.plausibility import plausibility
from foresight.verify.signals import AbstractSignal, signal
from foresight.world.prediction import Prediction
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME

# A wrong future that lies nearer the true future than this (40 dB) shows the same and is no wrong outcome.
SAME = 1e-4


@dataclass(frozen=True)
class Measurements:
    """The measurements to make of every clip.

    Args:
        signals: names of signals, against outcomes.
        plausibilities: names of plausibilities, of candidates.
        frames: after how many observed frames the signals are measured, multiples of 8.
        candidates: candidates per prediction.
        evidence: how evidence is built.
        extra: further signals that are measured beside those with names, such as control baselines.

    Raises:
        ValueError: if a name is unknown, or a number is out of its range.
    """

    signals: tuple[str, ...]
    plausibilities: tuple[str, ...]
    frames: tuple[int, ...]
    candidates: int
    evidence: EvidenceConfig
    extra: tuple[AbstractSignal, ...] = ()

    def __post_init__(self) -> None:
        for name in self.signals:
            absent = signal(name).absent()
            if absent is not None:
                raise ValueError(f"expected signals that can be measured here, got {name}: {absent}")
        for name in self.plausibilities:
            plausibility(name)
        if not self.frames or not all(frames > 0 and frames % TIME == 0 for frames in self.frames):
            raise ValueError(f"expected numbers of observed frames that are multiples of {TIME}, got {self.frames}")

    @property
    def measured(self) -> dict[str, AbstractSignal]:
        """All signals by name."""
        return {name: signal(name) for name in self.signals} | {one.name: one for one in self.extra}

    @property
    def needs(self) -> frozenset[Need]:
        """Evidence that they need."""
        chosen = [one.needs for one in self.measured.values()]
        return frozenset().union(*chosen, *(plausibility(name).needs for name in self.plausibilities))

    def of(self, builder: EvidenceBuilder, observed: Tensor) -> dict[int, dict[str, Float[Tensor, " batch"]]]:
        """All signals after each number of observed frames."""
        latents = builder.encode(observed)
        found: dict[int, dict[str, Tensor]] = {}
        for frames in self.frames:
            evidence = builder.evidence(observed[:, :, :frames], latents[:, :, : frames // TIME])
            found[frames] = {name: one(evidence).cpu() for name, one in self.measured.items()}
        return found


@dataclass(frozen=True)
class Examples:
    """Measured signals of clips with true and wrong futures.

    Args:
        values: by number of observed frames, signals by name.
        kinds: "true", or in which way the future is wrong.
        clips: number of the clip.
        position_error: pixels by which the shown prediction is off from this outcome, see `worst_position_error`;
            infinite where a body is not the one that was seen before, NaN where true states are unknown.
    """

    values: Mapping[int, Mapping[str, Float[Tensor, " example"]]]
    kinds: tuple[str, ...]
    clips: tuple[int, ...]
    position_error: Float[Tensor, " example"]

    @property
    def right(self) -> Bool[Tensor, " example"]:
        """Labels: whether the outcome follows from context and instruction."""
        return torch.tensor([kind == TRUE for kind in self.kinds])

    @property
    def prediction_correct(self) -> Bool[Tensor, " example"]:
        """Labels: whether the shown prediction is right about the outcome."""
        return self.position_error <= TOLERANCE

    @property
    def owner(self) -> Int[Tensor, " example"]:
        """Number of the clip, for grouping."""
        return torch.tensor(self.clips)


@dataclass(frozen=True)
class Samples:
    """The model's own candidates.

    Args:
        values: plausibilities by name, measured before anything was observed.
        position_error: pixels by which the worst placed body is off; see `worst_position_error`. NaN where unknown.
        medoid: which candidate lies in the middle.
        clips: number of each clip.
    """

    values: Mapping[str, Float[Tensor, "clip candidate"]]
    position_error: Float[Tensor, "clip candidate"]
    medoid: Int[Tensor, " clip"]
    clips: tuple[int, ...]

    @property
    def right(self) -> Bool[Tensor, "clip candidate"]:
        """Labels: whether each candidate came true."""
        return self.position_error <= TOLERANCE


OnBatch = Callable[[WorldModel, OutcomeBatch, Sequence[Prediction]], None]


def collect(
    model: WorldModel,
    measurements: Measurements,
    cases: Cases,
    *,
    seeds: Sequence[int] = (0,),
    batch: int = 16,
    progress: Progress = silent,
    on_batch: OnBatch = lambda model, cases, predictions: None,
) -> tuple[Examples, Samples]:
    """Predict clips once and measure them against their true and some wrong futures.

    Args:
        model: the world model.
        measurements: what is measured.
        cases: clips and futures.
        seeds: of the first candidate, in turn from batch to batch.
        batch: clips per forward pass.
        progress: called with (done, total).
        on_batch: given each batch of cases and its predictions, for further measurements on the same ones.

    Raises:
        ValueError: if there is no seed.
    """
    if not seeds:
        raise ValueError("expected at least one seed, got none")
    rows = _Rows(measurements)
    done = 0
    for turn, found in enumerate(cases.batches(batch)):
        predictions = model.predict_batch(
            found.contexts,
            found.instructions,
            found.outcomes[0].videos.shape[2],
            Sampling(measurements.candidates, seed=seeds[turn % len(seeds)]),
        )
        builder = EvidenceBuilder(model, predictions, measurements.needs, measurements.evidence)
        shown = [model.shown(prediction) for prediction in predictions]
        for futures in found.outcomes:
            rows.outcomes(builder, shown, found, futures)
        rows.candidates(builder, found, predictions)
        on_batch(model, found, predictions)
        done += len(found.clips)
        progress(done, len(cases))
    return rows.examples(), rows.samples()


class _Rows:
    """Measurements made so far."""

    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements
        self._signals: dict[int, dict[str, list[Tensor]]] = {
            frames: {name: [] for name in measurements.measured} for frames in measurements.frames
        }
        self._kinds: list[str] = []
        self._clips: list[int] = []
        self._plausible: dict[str, list[Tensor]] = {name: [] for name in measurements.plausibilities}
        self._shown_errors: list[Tensor] = []
        self._candidate_errors: list[Tensor] = []
        self._medoids: list[int] = []
        self._seeds: list[int] = []

    def outcomes(
        self, builder: EvidenceBuilder, shown: Sequence[Tensor], cases: OutcomeBatch, futures: OutcomeSet
    ) -> None:
        """Measure one future of each clip; wrong ones that look like the true one are left out."""
        true = cases.outcomes[0]
        observed = futures.videos.to(builder.context.device)
        apart = mse(futures.videos, true.videos).mean(dim=1) > SAME
        kept = torch.tensor([kind == TRUE for kind in futures.kinds]) | apart
        for frames, values in self._measurements.of(builder, observed).items():
            for name, value in values.items():
                self._signals[frames][name].append(value[kept])
        for row in kept.nonzero()[:, 0].tolist():
            self._kinds.append(futures.kinds[row])
            self._clips.append(cases.clips[row])
            self._shown_errors.append(_shown_error(shown[row], true.states, futures.states, row))

    def candidates(self, builder: EvidenceBuilder, cases: OutcomeBatch, predictions: Sequence[Prediction]) -> None:
        """Measure the candidates themselves."""
        states = cases.outcomes[0].states
        prior = builder.prior()
        for name, column in self._plausible.items():
            column.append(plausibility(name)(prior).cpu())
        for row, prediction in enumerate(predictions):
            unknown = torch.full((len(prediction),), torch.nan)
            self._candidate_errors.append(
                unknown if states is None else worst_position_error(prediction.video, states[row])
            )
        self._medoids += [prediction.medoid for prediction in predictions]
        self._seeds += cases.clips

    def examples(self) -> Examples:
        values = {
            frames: {name: torch.cat(parts) for name, parts in columns.items()}
            for frames, columns in self._signals.items()
        }
        return Examples(values, tuple(self._kinds), tuple(self._clips), torch.cat(self._shown_errors))

    def samples(self) -> Samples:
        return Samples(
            values={name: torch.cat(parts) for name, parts in self._plausible.items()},
            position_error=torch.stack(self._candidate_errors),
            medoid=torch.tensor(self._medoids),
            clips=tuple(self._seeds),
        )


def _shown_error(
    shown: Float[Tensor, "rgb=3 frame height width"],
    true: Sequence[PhysicsClip] | None,
    happened: Sequence[PhysicsClip] | None,
    row: int,
) -> Float[Tensor, " one"]:
    """Position error of the shown prediction; infinite where a body has become another one."""
    if true is None or happened is None:
        return torch.tensor([torch.nan])
    if true[row].bodies != happened[row].bodies:
        return torch.tensor([torch.inf])
    return worst_position_error(shown[None], happened[row])
