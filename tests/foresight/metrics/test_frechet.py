"""Fréchet distance by closed forms, and what it needs to be called FVD."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from foresight.errors import UserError
from foresight.metrics.frechet import frechet_distance, i3d


def test_equal_sets_have_no_distance_and_a_shift_its_square() -> None:
    """A set and itself: 0. Moved by (3, 4): 25. Order does not matter."""
    one = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 4.0])
    assert frechet_distance(one, one.flip(0)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + shift) == pytest.approx(25, abs=1e-4)
    assert frechet_distance(one + shift, one) == pytest.approx(25, abs=1e-4)


def test_scaling_is_a_difference_of_deviations() -> None:
    """Three times as wide in each of two directions with deviations s: Σ (3s − s)² = 4 Σ s²."""
    one = torch.randn(400, 2, generator=torch.Generator().manual_seed(1)).double()
    one = one - one.mean(dim=0)
    assert frechet_distance(one, 3 * one) == pytest.approx(4 * float(one.var(dim=0).sum()), rel=1e-6)


def test_it_equals_the_root_of_the_product() -> None:
    """Against the eigenvalues of Σ₁Σ₂, with correlated features and sets of different sizes."""
    generator = torch.Generator().manual_seed(2)
    one = (torch.randn(60, 3, generator=generator) @ torch.randn(3, 3, generator=generator)).double()
    other = (torch.randn(90, 3, generator=generator) @ torch.randn(3, 3, generator=generator)).double() + 1
    a, b = torch.cov(one.T), torch.cov(other.T)
    roots = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    expected = (one.mean(0) - other.mean(0)).square().sum() + a.trace() + b.trace() - 2 * roots
    assert frechet_distance(one, other) == pytest.approx(float(expected), rel=1e-6)


class Fake(torch.nn.Module):
    """Answers like I3D: 400 features."""

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        """Means of the colours, many times."""
        return x.mean(dim=[2, 3, 4]).repeat(1, 134)[:, :400]


def test_the_network_comes_from_a_file(tmp_path: Path) -> None:
    """A TorchScript file is used; a missing one, or one that is none, is one sentence."""
    torch.jit.script(Fake()).save(str(tmp_path / "i3d.pt"))
    assert i3d(tmp_path / "i3d.pt")(torch.ones(2, 3, 16, 8, 8)).shape == (2, 400)
    (tmp_path / "no.pt").write_bytes(b"nothing")
    for name in ("no.pt", "none.pt"):
        with pytest.raises(UserError, match="I3D"):
            i3d(tmp_path / name)


def test_few_videos_are_refused() -> None:
    """One video has no covariance."""
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(torch.ones(1, 2), torch.ones(5, 2))
