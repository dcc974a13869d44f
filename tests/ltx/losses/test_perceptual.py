"""LPIPS: the published formula over random weights of its own shape."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.losses.perceptual import PerceptualFiles, PerceptualLoss

# VGG-16: where each convolution stands among the layers, and how many come before each of the five maxima.
CONVOLUTIONS = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
STAGES = [2, 2, 3, 3, 3]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PerceptualFiles:
    """Random weights in the two published layouts."""
    folder = tmp_path_factory.mktemp("lpips")
    generator = torch.Generator().manual_seed(0)
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    backbone: dict[str, Tensor] = {}
    for place, inputs, outputs in zip(CONVOLUTIONS, widths[:-1], widths[1:], strict=True):
        backbone[f"features.{place}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) / inputs**0.5 / 3
        backbone[f"features.{place}.bias"] = torch.randn(outputs, generator=generator) / 10
    save_file(backbone, folder / "vgg.safetensors")
    heads = {
        f"lin{stage}.model.1.weight": torch.rand(1, width, 1, 1, generator=generator)
        for stage, width in enumerate([64, 128, 256, 512, 512])
    }
    save_file(heads, folder / "heads.safetensors")
    return PerceptualFiles(folder / "vgg.safetensors", folder / "heads.safetensors")


def by_hand(files: PerceptualFiles, one: Tensor, other: Tensor) -> Tensor:
    """Zhang et al. (2018), version 0.1, of pictures in [−1, 1]."""
    weights, linear = load_file(files.backbone), load_file(files.heads)
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    pictures = [(picture - shift[:, None, None]) / scale[:, None, None] for picture in (one, other)]
    places, total = iter(CONVOLUTIONS), torch.zeros(())
    for stage, count in enumerate(STAGES):
        if stage:
            pictures = [F.max_pool2d(picture, 2) for picture in pictures]
        for _ in range(count):
            place = next(places)
            weight, bias = weights[f"features.{place}.weight"], weights[f"features.{place}.bias"]
            pictures = [F.conv2d(picture, weight, bias, padding=1).clamp(min=0) for picture in pictures]
        units = [picture / (picture.square().sum(1, keepdim=True) + 1e-8).sqrt() for picture in pictures]
        head = linear[f"lin{stage}.model.1.weight"].view(1, -1, 1, 1)
        total = total + (head * (units[0] - units[1]) ** 2).sum(1).mean()
    return total


def test_it_is_the_published_distance_of_corresponding_frames(files: PerceptualFiles) -> None:
    """The mean over the frames of both clips; of a clip from itself 0."""
    loss = PerceptualLoss.load(files)
    generator = torch.Generator().manual_seed(1)
    one, other = (torch.rand(2, 3, 2, 16, 32, generator=generator) * 2 - 1 for _ in range(2))
    frames = [(one[clip, :, frame][None], other[clip, :, frame][None]) for clip in range(2) for frame in range(2)]
    expected = torch.stack([by_hand(files, *pair) for pair in frames]).mean()
    torch.testing.assert_close(loss(one, other), expected, rtol=1e-4, atol=1e-6)
    assert loss(one, one).item() == 0


def test_clips_must_correspond_and_be_large_enough(files: PerceptualFiles) -> None:
    """Five stages halve four times: 16 pixels are the least."""
    loss = PerceptualLoss.load(files)
    clip = torch.zeros(1, 3, 1, 16, 16)
    loss(clip, clip)
    for other in (torch.zeros(1, 3, 2, 16, 16), torch.zeros(1, 3, 1, 15, 16), torch.zeros(1, 3, 1, 16, 15)):
        with pytest.raises(ValueError, match="at least 16×16"):
            loss(other, other if min(other.shape[3:]) < 16 else clip)


def test_a_missing_file_is_named(files: PerceptualFiles, tmp_path: Path) -> None:
    """With what to do."""
    missing = PerceptualFiles(files.backbone, tmp_path / "none.pth")
    assert files.available() and not missing.available()
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        PerceptualLoss.load(missing)
