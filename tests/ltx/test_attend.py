"""Attention by the kernel that is fast where it runs."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ltx import attend as module
from ltx.attend import attend


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """Types of the queries that torch's kernel is given."""
    seen: list[torch.dtype] = []
    kernel = F.scaled_dot_product_attention

    def spy(queries: Tensor, *rest: Tensor, attn_mask: Tensor | None) -> Tensor:
        seen.append(torch.bfloat16 if torch.is_autocast_enabled("cpu") else queries.dtype)
        return kernel(queries, *rest, attn_mask=attn_mask)

    monkeypatch.setattr(module.F, "scaled_dot_product_attention", spy)
    return seen


def _tensors(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, n, 8, generator=generator).to(dtype).requires_grad_() for n in (5, 7, 7)]


@pytest.mark.parametrize("mask", [None, "seen", "bias"])
def test_attention_is_trained_in_float32_where_bfloat16_is_slow(types: list[torch.dtype], mask: str | None) -> None:
    """Under bfloat16 autocast on a CPU: the result is bfloat16's own, and its gradients are computed in float32."""
    seen = torch.arange(7) < 4
    given = {None: None, "seen": seen[None], "bias": torch.where(seen, 0.0, -1e4)[None].bfloat16()}[mask]
    tensors = _tensors()
    with torch.autocast("cpu", torch.bfloat16):
        result = attend(*tensors, given)
    assert types == [torch.bfloat16] and result.dtype == torch.bfloat16
    result.float().square().sum().backward()
    assert types == [torch.bfloat16, torch.float32]

    exact = _tensors()
    wanted = F.scaled_dot_product_attention(*exact, attn_mask=None if given is None else seen[None])
    wanted.square().sum().backward()
    half = [tensor.detach().bfloat16() for tensor in exact]
    assert torch.equal(result, F.scaled_dot_product_attention(*half, attn_mask=given))
    for tensor, other in zip(tensors, exact, strict=True):
        assert tensor.grad is not None and other.grad is not None
        assert torch.allclose(tensor.grad, other.grad, atol=2e-2)


def test_sampling_rounds_as_training_does(types: list[torch.dtype]) -> None:
    """With and without gradients the result is the same bit for bit, by the kernel of the type that came."""
    trained = attend(*_tensors(torch.bfloat16))
    sampled = attend(*(tensor.detach() for tensor in _tensors(torch.bfloat16)))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert attend(*_tensors()).dtype == torch.bfloat16
    assert trained.dtype == sampled.dtype == torch.bfloat16 and torch.equal(trained, sampled)
    assert attend(*_tensors()).dtype == torch.float32
    assert types == [torch.bfloat16] * 3 + [torch.float32]
