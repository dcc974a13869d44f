"""Debiased linear CKA."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foresight.metrics.cka import cka, hsic, hsic_triple


def rows(count: int, channels: int, seed: int) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed))


def of(one: torch.Tensor, other: torch.Tensor) -> float:
    return cka(*([value] for value in hsic_triple(one, other)))


def test_a_rotated_scaled_shifted_copy_is_the_same() -> None:
    """CKA is 1."""
    x = rows(30, 5, 0)
    rotation, _ = torch.linalg.qr(rows(5, 5, 1))
    assert of(x, 3 * x @ rotation + 7) == pytest.approx(1, abs=1e-5)


def test_independent_spaces_share_nothing_however_many_dimensions_they_have() -> None:
    """More channels than rows: plain CKA would be near 1, the debiased one is 0 on average."""
    values = [of(rows(40, 200, 2 * seed), rows(40, 200, 2 * seed + 1)) for seed in range(30)]
    assert abs(np.mean(values)) < 0.03


def test_the_estimate_equals_the_sum_over_distinct_rows() -> None:
    """Song et al. 2012: the mean of K_ij (L_ij + L_qr − 2 L_iq) over all distinct i, j, q, r."""
    x, y = rows(6, 2, 3).double(), rows(6, 3, 4).double()
    here, there = x @ x.T, y @ y.T
    terms = [
        here[i, j] * (there[i, j] + there[q, r] - 2 * there[i, q])
        for i in range(6)
        for j in range(6)
        for q in range(6)
        for r in range(6)
        if len({i, j, q, r}) == 4
    ]
    assert hsic(x, y) == pytest.approx(float(torch.stack(terms).mean()))


def test_batches_add_up() -> None:
    """CKA of batches weighs the sums of their HSIC, not the mean of ratios; no structure at all shares nothing."""
    assert cka([1.0, 2.0], [4.0, 5.0], [1.0, 3.0]) == pytest.approx(3 / (9 * 4) ** 0.5)
    assert cka([0.0], [0.0], [1.0]) == 0.0


def test_rows_must_be_paired() -> None:
    """The message says how many came."""
    with pytest.raises(ValueError, match="got 5 and 4"):
        hsic(torch.zeros(5, 1), torch.zeros(4, 1))
