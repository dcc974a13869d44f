"""The pipeline against diffusers' LTXConditionPipeline, and multi-scale runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXVideoTransformer3DModel,
)
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from ltx.conditioning import ConditioningItem
from ltx.flow import GuidancePlan
from ltx.flow.plan import Guidance
from ltx.pipeline import LTXPipeline
from ltx.shapes import LatentShape, from_tokens, to_tokens
from ltx.text import TextConditioning
from ltx.upsampler import LatentUpsampler, UpsamplerConfig

AREA = (2, 3)


def same_noise(shape: tuple[int, ...]) -> torch.Tensor:
    """Noise that depends on the shape alone, the same as latents and as tokens."""
    if len(shape) == 3:
        frames = shape[1] // (AREA[0] * AREA[1])
        return to_tokens(same_noise((shape[0], shape[2], frames, *AREA)))
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def text(seed: int) -> TextConditioning:
    """Random context tokens, some of them masked."""
    states = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(seed))
    return TextConditioning(states, torch.arange(6)[None] < 3 + seed)


CASES = {
    "text": [],
    "first frame": [(1, 0, 1.0)],
    "weak first frame": [(1, 0, 0.6)],
    "key frame": [(1, 20, 1.0)],
    "clip": [(17, 16, 0.7), (1, 0, 1.0)],
}


@pytest.mark.parametrize("case", CASES)
def test_equals_diffusers(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same noise the latents of every kind of conditioning are those of diffusers to 1e-5."""
    prefix = "diffusers.pipelines.ltx.pipeline_ltx_condition.randn_tensor"
    for name in (prefix, "diffusers.models.autoencoders.vae.randn_tensor"):
        monkeypatch.setattr(name, lambda shape, **_: same_noise(tuple(shape)))
    for name in ("ltx.pipeline.run", "ltx.conditioning.place", "ltx.conditioning.noise"):
        monkeypatch.setattr(import_module(name), "draw_noise", lambda like, _: same_noise(tuple(like.shape)))
    rng = np.random.default_rng(0)
    clips = [(rng.integers(0, 256, (n, 64, 96, 3), dtype=np.uint8), s, w) for n, s, w in CASES[case]]
    positive, negative = text(1), text(2)
    theirs = LTXConditionPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLLTXVideo.from_pretrained(folder / "vae"),
        transformer=LTXVideoTransformer3DModel.from_pretrained(folder / "transformer"),
        text_encoder=None,
        tokenizer=None,
    )
    theirs.set_progress_bar_config(disable=True)
    expected = theirs(
        conditions=[
            LTXVideoCondition(video=[Image.fromarray(f) for f in c], frame_index=s, strength=w) for c, s, w in clips
        ]
        or None,
        prompt_embeds=positive.embeddings,
        prompt_attention_mask=positive.mask,
        negative_prompt_embeds=negative.embeddings,
        negative_prompt_attention_mask=negative.mask,
        height=64,
        width=96,
        num_frames=41,
        frame_rate=25,
        num_inference_steps=4,
        guidance_scale=3.0,
        output_type="latent",
    ).frames
    got = LTXPipeline.from_pretrained(folder)(
        positive,
        negative_prompt=negative,
        conditions=[
            ConditioningItem(torch.from_numpy(c).permute(3, 0, 1, 2)[None].float() / 127.5 - 1, s, w)
            for c, s, w in clips
        ],
        frames=41,
        height=64,
        width=96,
        frame_rate=25,
        steps=4,
        guidance=GuidancePlan.constant(Guidance(scale=3.0)),
        output="latents",
    )
    if expected.ndim == 3:
        expected = from_tokens(expected, LatentShape(6, *AREA))
    assert (got.latents - expected).abs().max() <= 1e-5


def test_two_passes(folder: Path) -> None:
    """A multi-scale run has the size asked for, depends on its seed alone, and needs an upsampler."""
    pipeline = LTXPipeline.from_pretrained(folder)
    options = {"frames": 10, "height": 90, "width": 100, "preset": "ltxv-13b-0.9.8-distilled"}
    with pytest.raises(ValueError, match="upsampler"):
        pipeline(text(1), **options)
    torch.manual_seed(0)
    pipeline.upsampler = LatentUpsampler(UpsamplerConfig.from_dict({"in_channels": 8, "mid_channels": 32, "dims": 3}))
    first = pipeline(text(1), seed=[3, 4], **options)
    assert first.video is not None and first.video.shape == (2, 3, 10, 90, 100)
    assert first.video.isfinite().all()
    torch.testing.assert_close(pipeline(text(1), seed=4, **options).video, first.video[1:], atol=1e-4, rtol=1e-4)
