"""How much a step launches and moves, against diffusers' forward: counted, so the same on every machine."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from experiments.benchmarks.counting import counted
from experiments.benchmarks.twins import TransformerTwins
from ltx.shapes import LatentShape

KERNELS = 0.45
BYTES = 0.60
SHAPES = {torch.float32: LatentShape(7, 8, 12), torch.bfloat16: LatentShape(2, 4, 6)}


@pytest.mark.parametrize("per_token", [False, True], ids=["one timestep", "a timestep per token"])
@pytest.mark.parametrize("dtype", SHAPES, ids=str)
def test_a_step_launches_and_moves_less_than_diffusers(dtype: Any, per_token: bool) -> None:
    """At the depth of 2B, prepared, at most 45 % of the kernels and 60 % of the bytes of all that is no matmul.

    Same weights, same result. Views are left out, because they launch nothing.
    """
    twins = TransformerTwins.make(
        "deep", shape=SHAPES[dtype], per_token=per_token, dtype=dtype, device=torch.device("cpu")
    )
    results = []
    ours, theirs = (counted(lambda c=call: results.append(c())) for call in (twins.ours(), twins.theirs()))
    difference = (results[0] - results[1]).abs().max()
    assert difference <= (1e-5 if dtype is torch.float32 else 0.1)
    assert ours.launches <= KERNELS * theirs.launches, (ours.kernels, theirs.kernels)
    assert ours.bytes["other"] <= BYTES * theirs.bytes["other"], (ours.operators, theirs.operators)


def test_counting_by_hand() -> None:
    """Views launch nothing; a product, a sum, a cast, RMSNorm and attention are one kernel each."""
    rows, weight, bias = torch.randn(2, 6, 8), torch.randn(8, 8), torch.randn(8)

    def call():
        heads = F.linear(rows, weight, bias).unflatten(-1, (2, 4)).transpose(1, 2)
        F.scaled_dot_product_attention(heads, key=heads, value=heads)
        F.rms_norm(rows, (8,), weight[0])
        return (rows + bias).to(torch.bfloat16)

    count = counted(call)
    assert count.kernels == {"matmul": 2, "other": 3}
    assert count.flops == 2 * 12 * 8 * 8 + 2 * 2 * (2 * 2) * 6 * 6 * 4
    size = rows.numel()
    assert count.operators == {"rms_norm": 4 * (2 * size + 8), "add": 4 * (2 * size + 8), "_to_copy": 6 * size}
