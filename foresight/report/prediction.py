"""Record of a prediction's run, as metrics.json holds it: what the page and the terminal are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ScoreReport:
    """Nearness of a video to what happened.

    Args:
        psnr: in dB, of the mean squared error over all frames.
        ssim: over all frames; 1 is equal.
        mse: over all frames, on the picture's [0, 1] scale.
        mse_per_frame: of each frame.
    """

    psnr: float
    ssim: float
    mse: float
    mse_per_frame: Sequence[float]


@dataclass(frozen=True)
class SignalReport:
    """One signal of a verdict.

    Args:
        name: of the signal.
        value: measured.
        support: contribution to the decision in [−1, 1]; positive speaks for the prediction.
        meaning: in a sentence.
    """

    name: str
    value: float
    support: float
    meaning: str


@dataclass(frozen=True)
class VerdictReport:
    """Verdict on a prediction.

    Args:
        frames: observed frames it was judged on; 0 where nothing was observed.
        probability: that what happened follows from clip and instruction; None where nothing was observed.
        prediction_correct: probability that the prediction comes true; None where that was not judged.
        decision: accept, reject or abstain.
        signals: what it was judged by.
        reason: for abstaining outside the model's domain; empty otherwise.
    """

    frames: int
    probability: float | None
    prediction_correct: float | None
    decision: str
    signals: Sequence[SignalReport] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as metrics.json holds them."""
        reason = {"reason": self.reason} if self.reason else {}
        return {
            "frames": self.frames,
            "probability": self.probability,
            "hit": self.prediction_correct,
            "decision": self.decision,
            **reason,
            "signals": [asdict(signal) for signal in self.signals],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> VerdictReport:
        """Read `to_dict` back; runs of before predictions were judged themselves say nothing of that."""
        return cls(
            frames=values["frames"],
            probability=values["probability"],
            prediction_correct=values.get("hit"),
            decision=str(values["decision"]),
            signals=tuple(SignalReport(**signal) for signal in values["signals"]),
            reason=str(values.get("reason") or ""),
        )


@dataclass(frozen=True)
class CandidateReport:
    """One candidate: its seed, its plausibility if it was ranked, and whether it is the one shown."""

    seed: int
    plausibility: float | None
    chosen: bool


@dataclass(frozen=True)
class AttemptReport:
    """One attempt of a loop.

    Args:
        kind: of the move that made it.
        instruction: it was made for.
        seed: of its first candidate.
        noise_level: at which the flow was entered.
        tokens_refined: number of tokens that were noised again; None if all were sampled.
        frames: observed frames it was judged on; None without verdict.
        probability: that what happened follows from clip and instruction.
        prediction_correct: probability that the prediction comes true.
        decision: of the verifier; None without verdict.
        seconds: of work.
        evaluations: of the transformer.
        decodes: chunks of video decoded.
    """

    kind: str
    instruction: str
    seed: int
    noise_level: float
    tokens_refined: int | None
    frames: int | None
    probability: float | None
    prediction_correct: float | None
    decision: str | None
    seconds: float
    evaluations: int
    decodes: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AttemptReport:
        """Read an attempt of `Trace.record`."""
        verdict, cost = values["verdict"] or {}, values["cost"]
        return cls(
            kind=values["move"]["kind"],
            instruction=values["instruction"],
            seed=values["seed"],
            noise_level=values["noise_level"],
            tokens_refined=values["tokens_refined"],
            frames=verdict.get("frames"),
            probability=verdict.get("probability"),
            prediction_correct=verdict.get("hit"),
            decision=verdict["decision"] if verdict else None,
            seconds=cost["seconds"],
            evaluations=cost["evaluations"],
            decodes=cost["decodes"],
        )


@dataclass(frozen=True)
class LoopReport:
    """A loop of predictions and verdicts.

    Args:
        trace: plain values of `Trace.record`.
        decision: how the loop ended, in words.
        unseen: rows of a table: nearness on frames that the policy had not seen.
    """

    trace: Mapping[str, Any]
    decision: str
    unseen: Sequence[Mapping[str, str]]

    @property
    def attempts(self) -> list[AttemptReport]:
        """All attempts, in order."""
        return [AttemptReport.from_dict(attempt) for attempt in self.trace["attempts"]]

    @property
    def taken(self) -> int | None:
        """Index of the attempt that was taken; None if the loop gave up."""
        index: int | None = self.trace["outcome"].get("attempt")
        return index

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as metrics.json holds them."""
        return {**self.trace, "decision": self.decision, "unseen": [dict(row) for row in self.unseen]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LoopReport:
        """Read `to_dict` back."""
        trace = {name: value for name, value in values.items() if name not in ("decision", "unseen")}
        return cls(trace, str(values["decision"]), tuple(values["unseen"]))


@dataclass(frozen=True)
class PredictionReport:
    """A prediction: what is shown of it, how near it came, and what was decided.

    Args:
        instruction: it was made for.
        frame_rate: frames per second.
        scores: nearness to what happened, by name of the video; empty if nothing was observed.
        verdict: of the verifier; None without one.
        notes: sentences on what was done to the file, and what could not be judged.
        reconstruction_psnr: dB at which the model's VAE draws the context.
        noise_level: at which the flow was entered; None in runs of earlier versions.
        seconds: of each stage.
        facts: anything else, by name.
        candidates: all of one prediction; empty for a loop.
        loop: attempts of a policy; None for a single prediction.
        given: frames that were given; 0 in runs of earlier versions.
        imagined: frames that were predicted; likewise.
    """

    instruction: str
    frame_rate: float
    scores: Mapping[str, ScoreReport]
    verdict: VerdictReport | None
    notes: Sequence[str]
    reconstruction_psnr: float | None
    noise_level: float | None
    seconds: Mapping[str, float]
    facts: Mapping[str, str]
    candidates: Sequence[CandidateReport] = ()
    loop: LoopReport | None = None
    given: int = 0
    imagined: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as metrics.json holds them."""
        loop = {} if self.loop is None else {"loop": self.loop.to_dict()}
        return {
            "instruction": self.instruction,
            "frame_rate": self.frame_rate,
            "scores": {name: asdict(score) for name, score in self.scores.items()},
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "policy": list(self.notes),
            "reconstruction_psnr": self.reconstruction_psnr,
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "noise_level": self.noise_level,
            "seconds": dict(self.seconds),
            "facts": dict(self.facts),
            **loop,
            "given": self.given,
            "imagined": self.imagined,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PredictionReport:
        """Read `to_dict` back, also from runs of earlier versions.

        Raises:
            LookupError, TypeError, AttributeError, ValueError: if the values are not those of a prediction.
        """
        verdict, loop = values["verdict"], values.get("loop")
        return cls(
            instruction=values["instruction"],
            frame_rate=values["frame_rate"],
            scores={name: ScoreReport(**score) for name, score in values["scores"].items()},
            verdict=None if verdict is None else VerdictReport.from_dict(verdict),
            notes=tuple(values["policy"]),
            reconstruction_psnr=values.get("reconstruction_psnr"),
            noise_level=values.get("noise_level"),
            seconds=values["seconds"],
            facts=values["facts"],
            candidates=tuple(CandidateReport(**candidate) for candidate in values["candidates"]),
            loop=None if loop is None else LoopReport.from_dict(loop),
            given=int(values.get("given", 0)),
            imagined=int(values.get("imagined", 0)),
        )
