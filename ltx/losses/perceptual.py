"""LPIPS: distance of images in the features of a VGG-16 trained for classification (arXiv 1801.03924).

The network's weights are not part of this package. `PerceptualFiles` says where they are looked for and whether they
are there; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
BACKBONE_INDEX = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Place of each convolution in torchvision's `vgg16().features`, by stage."""


@dataclass(frozen=True)
class PerceptualFiles:
    """Weight files of LPIPS, as .safetensors or as the .pth files they are published in.

    Attributes:
        backbone: torchvision's VGG-16 (`features.N.weight`, `features.N.bias`; other keys are ignored).
        heads: the LPIPS weights of its five stages (`linK.model.1.weight`).
    """

    backbone: Path
    heads: Path

    @classmethod
    def default(cls) -> PerceptualFiles:
        """`vgg16-397923af.pth` and `lpips_vgg.pth` in torch's hub folder (`$TORCH_HOME/hub/checkpoints`)."""
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        return cls(folder / "vgg16-397923af.pth", folder / "lpips_vgg.pth")

    def available(self) -> bool:
        """True if both files are there."""
        return self.backbone.is_file() and self.heads.is_file()


class PerceptualLoss(nn.Module):
    """LPIPS (version 0.1, VGG-16) of video frames, frozen: gradients reach its inputs only."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        inputs = 3
        stages: list[nn.Module] = []
        for widths in STAGES:
            layers: list[nn.Module] = []
            for width in widths:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)
        self.heads = nn.ParameterList(torch.ones(widths[-1]) for widths in STAGES)
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def load(cls, files: PerceptualFiles) -> PerceptualLoss:
        """The loss with the published weights.

        Raises:
            FileNotFoundError: if a file is missing; it says which, and where to get it.
            ValueError: if a file lacks a tensor or has one of another shape.
        """
        for what, path in (
            ("VGG-16 of torchvision", files.backbone),
            ("linear weights of LPIPS 0.1 (vgg)", files.heads),
        ):
            if not path.is_file():
                raise FileNotFoundError(
                    f"expected the {what} at {path}, found no file; put it there, name another place in "
                    f"PerceptualFiles, or train without the perceptual loss"
                )
        backbone, heads = _read(files.backbone), _read(files.heads)
        state = {}
        for stage, places in enumerate(BACKBONE_INDEX):
            for layer, place in enumerate(places):
                for leaf in ("weight", "bias"):
                    state[f"stages.{stage}.{2 * layer}.{leaf}"] = _take(
                        backbone, f"features.{place}.{leaf}", files.backbone
                    )
            state[f"heads.{stage}"] = _take(heads, f"lin{stage}.model.1.weight", files.heads).flatten()
        loss = cls()
        for name, tensor in loss.state_dict().items():
            if state[name].shape != tensor.shape:
                raise ValueError(f"expected {name} of shape {tuple(tensor.shape)}, got {tuple(state[name].shape)}")
        loss.load_state_dict(state)
        return loss

    def forward(
        self,
        reconstruction: Float[Tensor, "batch channel=3 frame height width"],
        target: Float[Tensor, "batch channel=3 frame height width"],
    ) -> Float[Tensor, ""]:
        """Mean LPIPS of corresponding frames, videos in [−1, 1], at least 16×16 pixels."""
        if reconstruction.shape != target.shape or min(target.shape[3:]) < 16:
            raise ValueError(
                f"expected two videos of one shape of at least 16×16 pixels, "
                f"got {tuple(reconstruction.shape)} and {tuple(target.shape)}"
            )
        distance = torch.zeros((), device=target.device, dtype=target.dtype)
        ours, theirs = self._prepare(reconstruction), self._prepare(target)
        for index, (stage, head) in enumerate(zip(self.stages, self.heads, strict=True)):
            if index:
                ours, theirs = F.max_pool2d(ours, 2), F.max_pool2d(theirs, 2)
            ours, theirs = stage(ours), stage(theirs)
            difference = (_unit(ours) - _unit(theirs)).square()
            distance = distance + torch.einsum("n c h w, c -> n h w", difference, head).mean()
        return distance

    def _prepare(self, video: Tensor) -> Tensor:
        return (rearrange(video, "b c f h w -> (b f) c h w") - self.shift) / self.scale


def _unit(features: Tensor) -> Tensor:
    return features * torch.rsqrt(features.square().sum(dim=1, keepdim=True) + 1e-8)


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _take(tensors: dict[str, Tensor], name: str, path: Path) -> Tensor:
    if name not in tensors:
        raise ValueError(f"expected a tensor {name} in {path}, which has {len(tensors)} others")
    return tensors[name]
