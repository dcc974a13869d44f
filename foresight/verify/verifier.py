"""The verifier: a calibrated probability and a decision with a stated coverage, for as much as has been observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.verify.evidence import Gathering
from foresight.verify.gathering import Gatherer, check_batched
from foresight.verify.head import Decision, Head
from foresight.verify.plausibility import plausibility
from foresight.verify.signals import signal
from foresight.verify.storage import read_verifier, write_verifier
from foresight.world.fingerprint import model_fingerprint
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class Verdict:
    """What a verifier says of one prediction.

    Args:
        probability: calibrated probability that what happens is what context and instruction lead to.
        decision: "accept" where only such outcomes, "reject" where only others look like this at the stated coverage,
            "abstain" where both or neither do.
        signals: what it is based on, by name.
        frames: how many observed frames it is based on; 0 is none, and the signals are plausibilities.
        hit: calibrated probability that the prediction comes true: that every body is drawn where it goes, the mean
            over all its frames, observed or not, within `foresight.verify.rightness.TOLERANCE`. What happens can follow
            from what was told and the prediction miss it all the same. None if the verifier was fitted without.
    """

    probability: float
    decision: Decision
    signals: Mapping[str, float]
    frames: int = 0
    hit: float | None = None

    @property
    def confidence(self) -> float:
        """How far the prediction can be relied on: that it hits, or where that is not known, the probability."""
        return self.probability if self.hit is None else self.hit


@dataclass(frozen=True)
class FittedOn:
    """What a verifier was fitted on.

    Args:
        model: fingerprint of the world model.
        data: the data, in words.
        clips: number of clips; each serves weights, calibration and thresholds by cross-fitting.
        examples: number of examples against outcomes, all of them for calibration.
        candidates: candidates per prediction.
        gathering: how evidence was gathered.
    """

    model: str
    data: str
    clips: int
    examples: int
    candidates: int
    gathering: Gathering


@dataclass(frozen=True)
class Verifier:
    """Judges predictions against all, part or nothing of what happened.

    Args:
        heads: by number of observed frames, what the signals say of what happens.
        hits: by the same numbers, what they say of the prediction; empty if that was not fitted.
        prospect: what to make of plausibilities where nothing has been observed; None if it was fitted without.
        coverage: share of right outcomes that are not rejected, and of wrong ones that are not accepted.
        fitted_on: what all this holds for.

    Raises:
        ValueError: if a signal or plausibility is unknown, or heads are fitted on different signals or frames.
    """

    heads: Mapping[int, Head]
    hits: Mapping[int, Head]
    prospect: Head | None
    coverage: float
    fitted_on: FittedOn

    def __post_init__(self) -> None:
        heads = [*self.heads.values(), *self.hits.values()]
        if not self.heads or len({head.names for head in heads}) != 1 or set(self.hits) not in (set(), set(self.heads)):
            raise ValueError("expected heads fitted on the same signals, after the same numbers of frames")
        for name in self.signals:
            signal(name)
        for name in self.plausibilities:
            plausibility(name)

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals, in order."""
        return self.heads[self.frames].names

    @property
    def plausibilities(self) -> tuple[str, ...]:
        """Names of what it ranks candidates by; none if it was fitted without."""
        return () if self.prospect is None else self.prospect.names

    @property
    def frames(self) -> int:
        """The most observed frames it was fitted for."""
        return max(self.heads)

    @property
    def needs(self) -> frozenset[str]:
        """What its signals need gathered."""
        return frozenset().union(*(signal(name).needs for name in self.signals))

    def at(self, coverage: float) -> Verifier:
        """The same verifier deciding at another coverage in (0, 1)."""
        self.heads[self.frames].thresholds(coverage)
        return replace(self, coverage=coverage)

    def verify(
        self,
        model: WorldModel,
        predictions: Sequence[Prediction],
        observed: Float[Tensor, "batch rgb=3 frame height width"],
    ) -> list[Verdict]:
        """Judge predictions against what happened, or against as much as has been seen of it.

        The longest part is looked at that was observed, was predicted, and that the verifier was fitted for.

        Raises:
            ValueError: if the verifier was fitted for another model or number of candidates.
            UserError: if what was observed is too short or does not fit the predictions.
        """
        self.check(model, predictions)
        check_batched(observed)
        frames = self.reach(min(observed.shape[2], predictions[0].video.shape[2]))
        gatherer = Gatherer(model, predictions, self.needs, self.fitted_on.gathering)
        evidence = gatherer.evidence(observed[:, :, :frames])
        return self.judge({name: signal(name)(evidence).cpu() for name in self.signals}, frames)

    def reach(self, available: int) -> int:
        """How many of the available frames are looked at.

        Raises:
            UserError: if there are fewer than it was fitted for at least.
        """
        fitting = [frames for frames in self.heads if frames <= available]
        if not fitting:
            raise UserError(
                expected=f"at least {min(self.heads)} frames both predicted and observed",
                got=str(available),
                remedy="wait for more frames, or predict further",
            )
        return max(fitting)

    def judge(self, values: Mapping[str, Float[Tensor, " batch"]], frames: int | None = None) -> list[Verdict]:
        """Verdicts from measured signals.

        Args:
            values: by name.
            frames: over how many observed frames they were measured; None is the most it was fitted for.

        Raises:
            ValueError: if a signal is missing or was not fitted, or the number of frames was not.
        """
        frames = self.frames if frames is None else frames
        logits = self.logits(values, frames)
        probabilities = torch.sigmoid(logits)
        hits = torch.sigmoid(self.hits[frames].logits(values)).tolist() if self.hits else [None] * len(logits)
        return [
            Verdict(
                probability=float(probabilities[row]),
                decision=self._head(frames).decide(float(logits[row]), self.coverage),
                signals={name: float(values[name][row]) for name in self.signals},
                frames=frames,
                hit=hits[row],
            )
            for row in range(len(logits))
        ]

    def logits(
        self, values: Mapping[str, Float[Tensor, " batch"]], frames: int | None = None
    ) -> Float[Tensor, " batch"]:
        """Calibrated log-odds that this is what context and instruction lead to; see `judge`.

        Raises:
            ValueError: if a signal or the number of frames was not fitted, or a signal is missing or not finite.
        """
        return self._head(self.frames if frames is None else frames).logits(values)

    def pulls(self, verdict: Verdict) -> dict[str, float]:
        """How far each signal pulled a verdict's probability up (above 0) or down."""
        return self._head(verdict.frames).pulls(verdict.signals)

    def rank(self, model: WorldModel, prediction: Prediction) -> Float[Tensor, " candidate"]:
        """How plausible each candidate is without any observation: the calibrated probability that it comes true.

        Raises:
            ValueError: if the verifier was fitted for another model.
            UserError: if there are fewer than three candidates, as each is seen among others, or it was fitted without
                plausibilities.
        """
        return self.rank_batch(model, [prediction])[0]

    def rank_batch(self, model: WorldModel, predictions: Sequence[Prediction]) -> Float[Tensor, "batch candidate"]:
        """`rank` for predictions of one size and number of candidates."""
        return torch.sigmoid(self._prospects(model, predictions)[1])

    def foresee(self, model: WorldModel, prediction: Prediction) -> list[Verdict]:
        """A verdict on each candidate without any observation: that it comes true, by its plausibilities.

        Raises:
            ValueError: as `rank`.
            UserError: as `rank`.
        """
        figures, logits = self._prospects(model, [prediction])
        head, hits = self._head(0), torch.sigmoid(logits[0]).tolist()
        return [
            Verdict(
                probability=hit,
                decision=head.decide(float(logits[0, row]), self.coverage),
                signals={name: float(value[0, row]) for name, value in figures.items()},
                hit=hit,
            )
            for row, hit in enumerate(hits)
        ]

    def _prospects(
        self, model: WorldModel, predictions: Sequence[Prediction]
    ) -> tuple[dict[str, Float[Tensor, "batch candidate"]], Float[Tensor, "batch candidate"]]:
        """Plausibilities by name, and the log-odds of each candidate."""
        self.check_model(model)
        if len(predictions[0]) < 3:
            raise UserError(
                expected="at least 3 candidates to rank them among each other",
                got=str(len(predictions[0])),
                remedy="predict with more candidates",
            )
        if self.prospect is None:
            raise UserError(
                expected="a verifier that was fitted with plausibilities, to rank what was not observed",
                got="one that was fitted without",
                remedy="fit one with `foresight fit-verifier`",
            )
        chosen = [plausibility(name) for name in self.plausibilities]
        needs = frozenset().union(*(one.needs for one in chosen))
        prospect = Gatherer(model, predictions, needs, self.fitted_on.gathering).prospect()
        figures = {one.name: one(prospect) for one in chosen}
        shape = next(iter(figures.values())).shape
        logits = self.prospect.logits({name: value.flatten() for name, value in figures.items()})
        return figures, logits.view(shape)

    def check(self, model: WorldModel, predictions: Sequence[Prediction]) -> None:
        """Refuse another model or number of candidates than it was fitted for.

        Raises:
            ValueError: naming what differs.
        """
        self.check_model(model)
        counts = sorted({len(prediction) for prediction in predictions})
        if counts != [self.fitted_on.candidates]:
            raise ValueError(
                f"expected predictions of {self.fitted_on.candidates} candidates, as the verifier was fitted on, "
                f"got {counts}"
            )

    def check_model(self, model: WorldModel) -> None:
        """Refuse another world model than it was fitted for.

        Raises:
            ValueError: with the fingerprints of both.
        """
        found = model_fingerprint(model)
        if found != self.fitted_on.model:
            raise ValueError(
                f"expected the world model {self.fitted_on.model[:12]} that this verifier was fitted for, "
                f"got {found[:12]}; fit one with `foresight fit-verifier`"
            )

    def _head(self, frames: int) -> Head:
        if frames == 0 and self.prospect is not None:
            return self.prospect
        if frames not in self.heads:
            raise ValueError(f"expected {' or '.join(map(str, sorted(self.heads)))} observed frames, got {frames}")
        return self.heads[frames]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `verifier.json` and `verifier.safetensors` into a folder."""
        write_verifier(self, Path(folder))

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Verifier:
        """Read a verifier from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """
        return read_verifier(where)
