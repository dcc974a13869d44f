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
    """Under bfloat16 autocast on a CPU: the result has bfloat16's type, and it and its gradients are float32's own."""
    seen = torch.arange(7) < 4
    given = {None: None, "seen": seen[None], "bias": torch.where(seen, 0.0, -1e4)[None].bfloat16()}[mask]
    tensors = _tensors()
    with torch.autocast("cpu", torch.bfloat16):
        result = attend(*tensors, given)
    assert types == [torch.float32] and result.dtype == torch.bfloat16
    result.float().square().sum().backward()

    exact = _tensors()
    wanted = F.scaled_dot_product_attention(*exact, attn_mask=None if given is None else seen[None])
    wanted.square().sum().backward()
    assert torch.allclose(result.float(), wanted, atol=1e-2)
    for tensor, other in zip(tensors, exact, strict=True):
        assert tensor.grad is not None and other.grad is not None
        assert torch.allclose(tensor.grad, other.grad, atol=2e-2)


def test_attention_keeps_its_type_elsewhere(types: list[torch.dtype]) -> None:
    """Without gradients, and in float32 as such, torch's own kernel sees what came."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert attend(*_tensors()).dtype == torch.bfloat16
    frozen = [tensor.detach() for tensor in _tensors(torch.bfloat16)]
    assert attend(*frozen).dtype == torch.bfloat16
    assert attend(*_tensors()).dtype == torch.float32
    assert types == [torch.bfloat16, torch.bfloat16, torch.float32]
    assert attend(*_tensors(torch.bfloat16)).dtype == torch.bfloat16 and types[-1] == torch.float32
