"""A prediction beside the predictions that need no model, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.baselines import copy_last_frame, linear_extrapolation
from foresight.metrics.picture import mse, psnr, ssim
from foresight.report.prediction import ScoreReport
from foresight.video.clips import Clip
from foresight.world.domain import reconstruct
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME

PREDICTION, COPY, LINEAR, CEILING = (
    "prediction",
    "copy last frame",
    "linear extrapolation",
    "VAE reconstruction",
)

Frames = Float[Tensor, "rgb=3 frame height width"]


@dataclass(frozen=True)
class Score:
    """Nearness of a video to what happened."""

    name: str
    mse: tuple[float, ...]
    """Of each frame, on the picture's [0, 1] scale."""
    ssim: tuple[float, ...]
    """Of each frame; 1 is equal."""

    @property
    def mean_mse(self) -> float:
        """Over all frames."""
        return sum(self.mse) / len(self.mse)

    @property
    def mean_ssim(self) -> float:
        """Over all frames."""
        return sum(self.ssim) / len(self.ssim)

    @property
    def psnr(self) -> float:
        """dB of the mean squared error over all frames."""
        return float(psnr(torch.tensor(self.mean_mse)))

    def row(self) -> dict[str, str]:
        """Row of a table: text by column."""
        return {
            "": self.name,
            "PSNR (dB)": f"{self.psnr:.2f}",
            "SSIM": f"{self.mean_ssim:.4f}",
            "MSE": f"{self.mean_mse:.5f}",
        }

    def report(self) -> ScoreReport:
        """Means over all frames, and the error of each."""
        return ScoreReport(self.psnr, self.mean_ssim, self.mean_mse, list(self.mse))


def score(name: str, video: Frames, observed: Frames) -> Score:
    """Score a video over the frames that were observed."""
    video = video[:, : observed.shape[1]].cpu()
    per_frame = mse(video[None], observed[None])[0].tolist()
    return Score(name, tuple(per_frame), tuple(ssim(video[None], observed[None])[0].tolist()))


def score_all(model: WorldModel, clip: Clip, predicted: Frames, observed: Frames) -> list[Score]:
    """The prediction, copying the last frame, linear extrapolation, and the VAE's reconstruction of what happened."""
    frames, context = observed.shape[1], clip.context[None]
    scores = [
        score(PREDICTION, predicted, observed),
        score(COPY, copy_last_frame(context, frames)[0], observed),
    ]
    if context.shape[2] > 1:
        scores.append(score(LINEAR, linear_extrapolation(context, frames)[0], observed))
    scores.append(score(CEILING, reconstructed(model, clip, observed), observed))
    return scores


def reconstructed(model: WorldModel, clip: Clip, observed: Frames) -> Frames:
    """Observed frames after encoding and decoding behind their context: the upper bound of a prediction."""
    given = clip.lengths.fit_context(clip.context)
    missing = -observed.shape[1] % TIME
    padding = observed[:, -1:].expand(-1, missing, -1, -1)
    whole = torch.cat([given, observed, padding], dim=1)[None]
    return reconstruct(model, whole)[0, :, given.shape[1] : given.shape[1] + observed.shape[1]]
