"""The understanding card: the VLM's answers about predicted video, beside those about real video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.gates import Gate, surely_above
from foresight.evaluation.simulated import BATCH, SimulatedBenchmark, contexts_and_futures
from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.statistics import Estimate, difference_of_means, mean
from foresight.physics import PhysicsClip
from foresight.progress import Progress, silent
from foresight.results.values import ClipValues, clip_values
from foresight.vlm.curriculum.qa import place
from foresight.vlm.curriculum.vlm_evaluation import PLACE
from foresight.vlm.encoder import QwenEncoder
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

REAL, PREDICTED, FROZEN = "real video", "predicted video", "last frame repeated"
ACTION = "which object was pushed, and where to"
WHERE, AGREES = "where the object is at the end", "same answer as for real video"

Videos = Float[Tensor, "batch 3 frame height width"]


@dataclass(frozen=True)
class UnderstandingCard:
    """Answers about real and predicted futures and the last frame repeated, graded by the true states.

    Args:
        pushed: by video, (clips,): whether the VLM names the object and the direction of the push.
        off: by video, (clips,): pixels between where the VLM sees an object at the end and where it truly is.
        agrees: by video, (clips,): whether the answer about the push is that about the real video.
    """

    pushed: dict[str, np.ndarray]
    off: dict[str, np.ndarray]
    agrees: dict[str, np.ndarray]

    def table(self) -> list[dict[str, str]]:
        """One row per video."""
        return [
            {
                "video": name,
                ACTION: f"{mean(self.pushed[name]):.1%}",
                AGREES: f"{mean(self.agrees[name]):.1%}",
                f"{WHERE}, error (px)": f"{mean(self.off[name]):.1f}",
            }
            for name in self.pushed
        ]

    def figures(self) -> dict[str, Estimate]:
        """Figures by name, with intervals."""
        found = {f"{ACTION}: {name}": mean(values) for name, values in self.pushed.items()}
        found |= {f"{AGREES}: {name}": mean(values) for name, values in self.agrees.items()}
        return found | {f"{WHERE}, error (px): {name}": mean(values) for name, values in self.off.items()}

    def values(self, clips: Sequence[str], seed: int) -> tuple[ClipValues, ...]:
        """Grades of every answer, by video."""
        return tuple(
            clip_values(clips, name, metric, column[name], [seed] * len(clips))
            for metric, column in ((ACTION, self.pushed), (AGREES, self.agrees), (f"{WHERE}, error (px)", self.off))
            for name in column
        )

    def gates(self) -> list[Gate]:
        """The promises of this card: the VLM reads more from a prediction than from the last frame repeated."""
        read = difference_of_means(self.pushed[PREDICTED], self.pushed[FROZEN])
        seen = difference_of_means(self.off[FROZEN], self.off[PREDICTED])
        return [
            surely_above(f"{ACTION}: predicted − last frame", read, 0),
            surely_above("error of the place: last frame − predicted (px)", seen, 0),
        ]


@dataclass(frozen=True, kw_only=True)
class UnderstandingBenchmark(SimulatedBenchmark):
    """The understanding card on those clips of the simulated world that have a push.

    Args:
        candidates: futures drawn per clip; the VLM is shown what `foresight predict` shows.
        seed: of the first.
    """

    candidates: int
    seed: int
    name = "understanding"

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict, ask, and grade.

        Raises:
            UserError: if the model has no VLM that answers.
        """

        def shown(contexts: Videos, instructions: list[str], frames: int) -> Videos:
            found = model.predict_batch(contexts, instructions, frames, Sampling(self.candidates, seed=self.seed))
            return torch.stack([model.shown(one) for one in found]).cpu()

        if not isinstance(model.vlm, QwenEncoder):
            raise UserError(
                expected="a world model with a VLM that answers questions",
                got="one without",
                remedy="choose another model=",
            )
        asked = [clip for clip in self.held_out if clip.action is not None]
        card = understand(model.vlm, asked, shown, progress)
        values = card.values([self.held_out.name(clip.seed) for clip in asked], self.seed)
        return Measured({"answers": card.table()}, card.figures(), gates=tuple(card.gates()), values=values)


def understand(
    vlm: QwenEncoder,
    clips: Sequence[PhysicsClip],
    forecast: Callable[[Videos, list[str], int], Videos],
    progress: Progress = silent,
) -> UnderstandingCard:
    """Ask a VLM about real, predicted and repeated last frames of clips that have a push.

    It is not given the instruction; it has to see the push.

    Args:
        vlm: answers.
        clips: each with a push.
        forecast: predicts futures of contexts under instructions.
        progress: called with (done, total).
    """
    pushed, off, agrees = (dict[str, list[float]]({REAL: [], PREDICTED: [], FROZEN: []}) for _ in range(3))
    for start in range(0, len(clips), BATCH):
        batch = clips[start : start + BATCH]
        contexts, futures = contexts_and_futures(batch)
        frames = futures.shape[2]
        videos = {
            REAL: futures,
            PREDICTED: forecast(contexts, [clip.instruction for clip in batch], frames),
            FROZEN: copy_last_frame(contexts, frames),
        }
        said: dict[str, list[str]] = {}
        for name, future in videos.items():
            whole = torch.cat([contexts, future], dim=2)
            said[name] = _ask(vlm, whole, ["Which object was pushed?"] * len(batch), batch)
            names = [clip.bodies[_body(clip)].name for clip in batch]
            # The end alone, as long as a context: the question is about its last frame.
            where = _ask(vlm, whole[:, :, -contexts.shape[2] :], [f"Where is the {one}?" for one in names], batch)
            pushed[name] += [float(answer == pushed_as(clip)) for answer, clip in zip(said[name], batch, strict=True)]
            agrees[name] += [float(answer == real) for answer, real in zip(said[name], said[REAL], strict=True)]
            off[name] += [_distance(answer, clip) for answer, clip in zip(where, batch, strict=True)]
        progress(start + len(batch), len(clips))
    return UnderstandingCard(_arrays(pushed), _arrays(off), _arrays(agrees))


def _arrays(lists: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in lists.items()}


def pushed_as(clip: PhysicsClip) -> str:
    """The right answer about the push: object and direction, as the instruction names them."""
    return clip.instruction.replace(" is pushed", "")


def _ask(vlm: QwenEncoder, videos: Videos, questions: list[str], clips: Sequence[PhysicsClip]) -> list[str]:
    return vlm.answer(vlm.see(videos, frame_rate=clips[0].config.frame_rate), questions, longest=24)


def _body(clip: PhysicsClip) -> int:
    assert clip.action is not None
    return clip.action.body


def _distance(answer: str, clip: PhysicsClip) -> float:
    """Pixels between the place that was said and the true one; who says none is taken to say the middle."""
    found = PLACE.findall(answer) or [("50", "50")]
    true = PLACE.findall(place(clip.positions[-1, _body(clip)], clip.config.size))
    gap = np.asarray(found[0], float) - np.asarray(true[0], float)
    return float(np.hypot(*gap) * clip.config.size / 100)
