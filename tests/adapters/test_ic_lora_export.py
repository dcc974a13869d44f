"""An `ic_lora` adapter's LoRA in diffusers' own pipeline computes what it computes here."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from torch import Tensor

from adapters import ICLoRAConfig, LoRAConfig, ModelPair, VLMFeatures, build_adapter, save_adapter
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

RENAMES = [("patchify_proj", "proj_in"), ("adaln_single", "time_embed"), ("q_norm", "norm_q"), ("k_norm", "norm_k")]
TARGETS = ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "ff.net.0.proj", "ff.net.2")
SHAPE = LatentShape(3, 2, 2)
CONFIG = transformer_config()


def _diffusers(model: VideoTransformer) -> LTXVideoTransformer3DModel:
    fields = {key: value for key, value in model.config.to_diffusers_dict().items() if not key.startswith("_")}
    fields.pop("causal_temporal_positioning")
    other = LTXVideoTransformer3DModel(**fields).eval()
    state = {}
    for key, value in model.state_dict().items():
        for ours, theirs in RENAMES:
            key = key.replace(ours, theirs)
        state[key] = value
    other.load_state_dict(state, strict=True)
    return other


def _features(generator: torch.Generator) -> VLMFeatures:
    vision = torch.tensor([[False, True, True, True, False]])
    return VLMFeatures(
        tokens=torch.randn(1, 1, 5, 12, generator=generator),
        mask=torch.ones(1, 5, dtype=torch.bool),
        vision=vision,
        coordinates=torch.rand(1, 3, 5, generator=generator) * torch.tensor([1.0, 64, 64])[:, None] * vision[:, None],
        patches=torch.randn(1, 4, 6, generator=generator),
        patch_coordinates=torch.rand(1, 3, 4, generator=generator),
    )


@torch.no_grad()
def test_diffusers_pipeline_reads_the_reference_tokens_alike(tmp_path: Path) -> None:
    """Same tokens, same per-token times: diffusers' transformer with the exported LoRA gives our velocity to 1e-5."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    model = VideoTransformer(CONFIG).eval()
    theirs = _diffusers(model)
    adapter = build_adapter(
        ICLoRAConfig(
            ModelPair("q", 12, 6, (1,), "l", 8, 16),
            width=16,
            heads=2,
            depth=1,
            extent=(2.0, 64.0, 64.0),
            timestep=0.1,
            lora=LoRAConfig(4, TARGETS, blocks=2, width=32),
        )
    ).eval()
    adapter.out.weight.normal_(0, 0.2, generator=generator)
    for _, update in adapter.lora.named_updates():
        update.lora_B.weight.normal_(0, 0.2, generator=generator)
    save_adapter(adapter, tmp_path)
    pipe = LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=None, text_encoder=None, tokenizer=None, transformer=theirs
    )
    pipe.load_lora_weights(str(tmp_path))

    # The sequence: reference tokens in their places, told their own time, then a clean context frame and noisy future.
    grid = coordinates(SHAPE, frame_rate=8.0)[None]
    latents = torch.randn(1, SHAPE.tokens, 8, generator=generator)
    told = adapter(_features(generator), grid[:, :, 4:]).reference
    reference = told.join(latents[:, :4], grid[:, :, :4], 0.0)
    tokens = torch.cat([reference.tokens, latents], dim=1)
    times = torch.cat([torch.full((1, 4), reference.timestep), torch.zeros(1, 4), torch.full((1, 8), 0.7)], dim=1)
    places = torch.cat([reference.coordinates, grid], dim=2)
    text = torch.randn(1, 5, 16, generator=generator)

    def ours() -> Tensor:
        return model(tokens, times, places, text, None)

    plain = ours()
    adapter.attach(model)
    expected = ours()
    found = pipe.transformer(
        tokens,
        text,
        1000 * times,
        encoder_attention_mask=torch.ones(1, 5),
        num_frames=SHAPE.frames,
        height=SHAPE.height,
        width=SHAPE.width,
        video_coords=places,
        return_dict=False,
    )[0]
    assert (expected - plain).abs().max() > 1e-2, "the LoRA must matter"
    assert (found - expected).abs().max() <= 1e-5
