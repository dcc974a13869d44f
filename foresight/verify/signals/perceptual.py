"""Perceptual distance of candidates to the observed future (LPIPS), where its weights are present."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal

BACKBONE = "alexnet-owt-7be5be79.pth"


class Perceptual(AbstractSignal):
    """LPIPS (Zhang et al., 2018, arXiv 1801.03924) with AlexNet, mean over frames and candidates.

    Raises:
        UserError: when called without torchvision or without the backbone's weights in torch's hub folder; nothing is
            downloaded.
    """

    name = "lpips"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for equal videos."""
        missing = self.absent()
        if missing is not None:
            raise UserError(
                expected="what LPIPS needs", got=missing, remedy="provide it, or leave out the signal `lpips`"
            )
        network = _network(evidence.observed.device)
        distances = []
        for candidates, observed in zip(evidence.predicted, evidence.observed, strict=True):
            pairs = [(one.transpose(0, 1), observed.transpose(0, 1)) for one in candidates]
            distances.append(torch.stack([network(*pair) for pair in pairs]).mean())
        return torch.stack(distances)

    def absent(self) -> str | None:
        """The missing package or file."""
        for package in ("torchvision", "torchmetrics"):
            if find_spec(package) is None:
                return f"{package} is not installed"
        weights = Path(torch.hub.get_dir()) / "checkpoints" / BACKBONE
        return None if weights.is_file() else f"no weights {BACKBONE} in torch's hub folder"


@cache
def _network(device: torch.device) -> Any:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    return LearnedPerceptualImagePatchSimilarity(net_type="alex", reduction="mean").to(device)
