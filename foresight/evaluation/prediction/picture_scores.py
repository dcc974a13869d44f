"""Scores of a method's videos against the observed ones, by pictures alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from foresight.metrics.picture import psnr
from foresight.metrics.statistics import Estimate, mean, skill

MOVING_MSE = "mse on moving pixels"


@dataclass(frozen=True)
class PictureScores:
    """Per-clip figures of one method: arrays over clips."""

    mse: np.ndarray
    """(clips, frames), [0, 1] scale."""
    ssim: np.ndarray
    """(clips, frames)."""
    sharpness: np.ndarray
    """(clips,): gradient energy divided by that of the observed future."""
    moving: np.ndarray
    """(clips, frames): the part of `mse` on pixels that differ from the last context frame; see `moving_mse`."""

    @property
    def error(self) -> np.ndarray:
        """(clips,): mean squared error."""
        error: np.ndarray = self.mse.mean(axis=1)
        return error

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Everything measured per clip, by name and unit."""
        return {"mse": self.mse, "ssim": self.ssim, MOVING_MSE: self.moving, "sharpness": self.sharpness}

    def skills(self, other: PictureScores) -> dict[str, Estimate]:
        """1 − error / the other's error at each frame, by its name."""
        return {
            f"frame {frame + 1}": skill(self.mse[:, frame], other.mse[:, frame]) for frame in range(self.mse.shape[1])
        }

    def row(self, name: str, copy: PictureScores) -> dict[str, str]:
        """Its row of a table."""
        return {
            "method": name,
            "PSNR (dB)": f"{mean(psnr(torch.from_numpy(self.error)).numpy()):.1f}",
            "SSIM": f"{mean(self.ssim.mean(axis=1)):.3f}",
            "MSE": f"{mean(self.error):.4f}",
            "skill over copy": "0" if self is copy else f"{skill(self.error, copy.error):.2f}",
            "sharpness": f"{mean(self.sharpness):.2f}",
        }
