"""Simulated clips, predicted and measured against true and counterfactual futures, and before any of it is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.evaluation.metrics import mse
from foresight.physics import PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.counterfactual import counterfactual
from foresight.prediction import Prediction
from foresight.verify.evidence import Gathering
from foresight.verify.gathering import Gatherer
from foresight.verify.plausibility import plausibility
from foresight.verify.rightness import TOLERANCE, misplacement
from foresight.verify.signals import AbstractSignal, signal
from foresight.world_model import WorldModel
from ltx.shapes import TIME

KINDS = ("other_action", "reversed", "other_gravity", "swapped_object")
TRUE = "true"
# A counterfactual that lies nearer the true future than this (40 dB) shows the same and is no wrong outcome.
SAME = 1e-4


@dataclass(frozen=True)
class Measurements:
    """What is measured of every clip.

    Args:
        signals: names of signals, against outcomes.
        plausibilities: names of plausibilities, of candidates.
        frames: after how many observed frames the signals are measured, multiples of 8.
        candidates: candidates per prediction.
        gathering: how evidence is gathered.
        kinds: of counterfactual futures.
        negatives: how many of them per clip, in turn.
        extra: further signals that are measured beside those with names, such as floors.

    Raises:
        ValueError: if a name is unknown, or a number is out of its range.
    """

    signals: tuple[str, ...]
    plausibilities: tuple[str, ...]
    frames: tuple[int, ...]
    candidates: int
    gathering: Gathering
    kinds: tuple[str, ...] = KINDS
    negatives: int = 2
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
        if not 0 < self.negatives <= len(self.kinds):
            raise ValueError(f"expected up to {len(self.kinds)} negatives per clip, got {self.negatives}")

    @property
    def measured(self) -> dict[str, AbstractSignal]:
        """All signals by name."""
        return {name: signal(name) for name in self.signals} | {one.name: one for one in self.extra}

    @property
    def needs(self) -> frozenset[str]:
        """What must be gathered for them."""
        chosen = [one.needs for one in self.measured.values()]
        return frozenset().union(*chosen, *(plausibility(name).needs for name in self.plausibilities))

    def of(self, gatherer: Gatherer, observed: Tensor) -> dict[int, dict[str, Float[Tensor, " batch"]]]:
        """All signals after each number of observed frames."""
        latents = gatherer.encode(observed)
        found: dict[int, dict[str, Tensor]] = {}
        for frames in self.frames:
            evidence = gatherer.evidence(observed[:, :, :frames], latents[:, :, : frames // TIME])
            found[frames] = {name: one(evidence).cpu() for name, one in self.measured.items()}
        return found


@dataclass(frozen=True)
class Examples:
    """Measured signals of clips whose futures were true or replaced.

    Args:
        values: by number of observed frames, signals by name.
        kinds: "true", or the kind of counterfactual.
        clips: seed of the clip.
        misplaced: pixels by which the future that is shown is off from this outcome, see `misplacement`; infinite where
            a body is not the one that was seen before.
    """

    values: Mapping[int, Mapping[str, Float[Tensor, " example"]]]
    kinds: tuple[str, ...]
    clips: tuple[int, ...]
    misplaced: Float[Tensor, " example"]

    @property
    def right(self) -> Bool[Tensor, " example"]:
        """Whether what happened follows from context and instruction."""
        return torch.tensor([kind == TRUE for kind in self.kinds])

    @property
    def hit(self) -> Bool[Tensor, " example"]:
        """Whether the future that is shown is what happened."""
        return self.misplaced <= TOLERANCE

    @property
    def owner(self) -> Int[Tensor, " example"]:
        """Seed of the clip, for grouping."""
        return torch.tensor(self.clips)


@dataclass(frozen=True)
class Samples:
    """The model's own candidates.

    Args:
        values: plausibilities by name, measured before anything was observed.
        misplaced: pixels by which the worst placed body is off; see `misplacement`.
        medoid: which candidate lies in the middle.
        clips: seed of each clip.
    """

    values: Mapping[str, Float[Tensor, "clip candidate"]]
    misplaced: Float[Tensor, "clip candidate"]
    medoid: Int[Tensor, " clip"]
    clips: tuple[int, ...]

    @property
    def right(self) -> Bool[Tensor, "clip candidate"]:
        """Which candidates came true."""
        return self.misplaced <= TOLERANCE


OnBatch = Callable[[WorldModel, Sequence[PhysicsClip], Sequence[Prediction]], None]


def collect(
    model: WorldModel,
    measurements: Measurements,
    *,
    clips: int,
    split: str,
    physics: PhysicsConfig,
    seeds: Sequence[int] = (0,),
    batch: int = 16,
    progress: Callable[[int, int], None] = lambda done, of: None,
    on_batch: OnBatch = lambda model, clips, predictions: None,
) -> tuple[Examples, Samples]:
    """Predict clips once and measure them against their true and some counterfactual futures.

    Args:
        model: the world model.
        measurements: what is measured.
        clips: number of clips, from the first seed of the split on.
        split: a key of `foresight.physics.clip.SPLITS`.
        physics: the world.
        seeds: of the first candidate, in turn from batch to batch.
        batch: clips per forward pass.
        progress: called with (done, total).
        on_batch: given each batch of clips and its predictions, for further measurements on the same ones.

    Raises:
        ValueError: if the split is unknown, or there is no clip.
    """
    if split not in SPLITS or clips < 1 or not seeds:
        raise ValueError(f"expected clips of a split out of {', '.join(SPLITS)}, and a seed; got {clips} of {split!r}")
    rows = _Rows(measurements)
    for turn, numbers in enumerate(_batches(range(SPLITS[split], SPLITS[split] + clips), batch)):
        true = [make_clip(number, physics) for number in numbers]
        given = physics.context_frames
        predictions = model.predict_batch(
            torch.stack([clip.tensor[:, :given] for clip in true]),
            [clip.instruction for clip in true],
            physics.frames - given,
            candidates=measurements.candidates,
            seed=seeds[turn % len(seeds)],
        )
        gatherer = Gatherer(model, predictions, measurements.needs, measurements.gathering)
        shown = [model.shown(prediction) for prediction in predictions]
        rows.outcomes(gatherer, shown, true, true, [TRUE] * len(true))
        for negative in range(measurements.negatives):
            kinds = [_kind(clip.seed, negative, measurements) for clip in true]
            false = [counterfactual(clip, kind) for clip, kind in zip(true, kinds, strict=True)]
            rows.outcomes(gatherer, shown, true, false, kinds)
        rows.candidates(gatherer, true, predictions)
        on_batch(model, true, predictions)
        progress(numbers[-1] - SPLITS[split] + 1, clips)
    return rows.examples(), rows.samples()


class _Rows:
    """What has been measured so far."""

    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements
        self._signals: dict[int, dict[str, list[Tensor]]] = {
            frames: {name: [] for name in measurements.measured} for frames in measurements.frames
        }
        self._kinds: list[str] = []
        self._clips: list[int] = []
        self._plausible: dict[str, list[Tensor]] = {name: [] for name in measurements.plausibilities}
        self._off: list[Tensor] = []
        self._misplaced: list[Tensor] = []
        self._medoids: list[int] = []
        self._seeds: list[int] = []

    def outcomes(
        self,
        gatherer: Gatherer,
        shown: list[Tensor],
        true: list[PhysicsClip],
        outcomes: list[PhysicsClip],
        kinds: list[str],
    ) -> None:
        """Measure one outcome of each clip; those that look like the true one are left out."""
        given = true[0].config.context_frames
        observed = torch.stack([clip.tensor[:, given:] for clip in outcomes]).to(gatherer.context.device)
        kept = torch.tensor([kind == TRUE for kind in kinds]) | _differs(outcomes, true, given)
        for frames, values in self._measurements.of(gatherer, observed).items():
            for name, value in values.items():
                self._signals[frames][name].append(value[kept])
        for video, clip, own, kind, keep in zip(shown, outcomes, true, kinds, kept.tolist(), strict=True):
            if keep:
                self._kinds.append(kind)
                self._clips.append(clip.seed)
                same = clip.bodies == own.bodies
                self._off.append(misplacement(video[None], clip) if same else torch.tensor([torch.inf]))

    def candidates(self, gatherer: Gatherer, true: list[PhysicsClip], predictions: Sequence[Prediction]) -> None:
        """Measure the candidates themselves."""
        prospect = gatherer.prospect()
        for name, column in self._plausible.items():
            column.append(plausibility(name)(prospect).cpu())
        for prediction, clip in zip(predictions, true, strict=True):
            self._misplaced.append(misplacement(prediction.video, clip))
        self._medoids += [prediction.medoid for prediction in predictions]
        self._seeds += [clip.seed for clip in true]

    def examples(self) -> Examples:
        values = {
            frames: {name: torch.cat(parts) for name, parts in columns.items()}
            for frames, columns in self._signals.items()
        }
        return Examples(values, tuple(self._kinds), tuple(self._clips), torch.cat(self._off))

    def samples(self) -> Samples:
        return Samples(
            values={name: torch.cat(parts) for name, parts in self._plausible.items()},
            misplaced=torch.stack(self._misplaced),
            medoid=torch.tensor(self._medoids),
            clips=tuple(self._seeds),
        )


def _kind(seed: int, turn: int, measurements: Measurements) -> str:
    """Kinds take turns: from clip to clip, and among the negatives of one clip."""
    return measurements.kinds[(seed * measurements.negatives + turn) % len(measurements.kinds)]


def _differs(outcomes: list[PhysicsClip], true: list[PhysicsClip], given: int) -> Bool[Tensor, " clip"]:
    pairs = zip(outcomes, true, strict=True)
    return torch.tensor(
        [float(mse(a.tensor[None, :, given:], b.tensor[None, :, given:]).mean()) > SAME for a, b in pairs]
    )


def _batches(seeds: range, size: int) -> Iterator[range]:
    for start in range(0, len(seeds), size):
        yield seeds[start : start + size]
