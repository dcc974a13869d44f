"""Linear layers in eight bits by torchao; skipped where it is not installed."""

from __future__ import annotations

import pytest
import torch

from ltx.lora import LoRA, LowRank, attach, merge, put_on
from ltx.offload.linears import quantise
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

pytest.importorskip("torchao", reason="torchao is not installed")

CONFIG = transformer_config(attention_head_dim=16)


def velocity(model: VideoTransformer) -> torch.Tensor:
    """Of one sampling step."""
    generator, shape = torch.Generator().manual_seed(1), LatentShape(2, 2, 2)
    tokens = torch.randn(1, shape.tokens, 8, generator=generator).bfloat16()
    text = torch.randn(1, 5, 16, generator=generator).bfloat16()
    with torch.no_grad():
        cache = model.prepare(coordinates(shape, frame_rate=8.0)[None], text, None)
        return model.denoise(tokens, torch.full((1, 1), 0.7), cache).float()


@pytest.mark.filterwarnings("ignore")
def test_int8_comes_near_and_a_lora_is_heard() -> None:
    """Within 2 % of bfloat16, where the fast path of attention must not read weights past torchao; a LoRA on top is
    heard beside the weights, and is not merged into them.
    """
    torch.manual_seed(0)
    model = VideoTransformer(CONFIG).bfloat16().eval()
    exact = velocity(model)
    quantise(model.transformer_blocks, "int8-torchao")
    eight = velocity(model)
    assert 0 < (eight - exact).norm() < 0.02 * exact.norm()
    lora = LoRA({"transformer_blocks.1.ff.net.2": LowRank(torch.ones(2, 256), torch.ones(64, 2), 2.0)})
    with pytest.raises(ValueError, match="eight bits"):
        merge(model, lora)
    attach(model, lora, name="beside")
    beside = velocity(model)
    assert (beside - eight).norm() > 0.02 * exact.norm()
    put_on(model, lora)  # beside the weights, too
    assert (velocity(model) - beside).norm() > 0.001 * exact.norm()
