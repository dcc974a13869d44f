"""Makes the expectations beside it with Lightricks' own code; nothing here is needed to run the tests.

    pip install --no-deps ltx-video==0.1.2       (in an environment of its own that sees this project's packages)
    PYTHONPATH=<this project> python tests/ltx/pipeline/released/make.py

The settings are those of the released YAML files; see `test_parity.py`.
"""

# mypy: ignore-errors

from __future__ import annotations

import importlib.util
import json
import tempfile
from pathlib import Path
from unittest.mock import patch

import torch
from ltx_video.inference import calculate_padding, load_image_to_tensor_with_resize_and_crop
from ltx_video.models.autoencoders.causal_video_autoencoder import CausalVideoAutoencoder
from ltx_video.models.autoencoders.latent_upsampler import LatentUpsampler
from ltx_video.models.transformers.symmetric_patchifier import SymmetricPatchifier
from ltx_video.models.transformers.transformer3d import Transformer3DModel
from ltx_video.pipelines.pipeline_ltx_video import ConditioningItem, LTXMultiScalePipeline, LTXVideoPipeline
from ltx_video.schedulers.rf import RectifiedFlowScheduler
from ltx_video.utils.skip_layer_strategy import SkipLayerStrategy
from PIL import Image
from safetensors.torch import save_file

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("test_parity", HERE.parent / "test_parity.py")
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)

COMMON = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
GUIDED = {"guidance_scale": 3, "stg_scale": 1, "rescaling_scale": 0.7, "skip_block_list": [19]}
OFF = {"guidance_scale": 1, "stg_scale": 0, "rescaling_scale": 1}
DISTILLED = {
    "downscale_factor": 0.6666666,
    "first_pass": {"timesteps": [1.0, 0.9937, 0.9875, 0.9812, 0.9750, 0.9094, 0.7250], **OFF, "skip_block_list": [42]},
    "second_pass": {"timesteps": [0.9094, 0.7250, 0.4219], **OFF, "skip_block_list": [42]},
    **COMMON,
}
TONED = {**DISTILLED, "second_pass": {**DISTILLED["second_pass"], "tone_map_compression_ratio": 0.6}}
SETTINGS = {
    "2b-0.9": {"num_inference_steps": 5, **GUIDED, **COMMON},
    "2b-0.9.1": {"num_inference_steps": 5, **GUIDED, **COMMON},
    "2b-0.9.5": {"num_inference_steps": 10, **GUIDED, **COMMON},
    "2b-0.9.6-distilled": {"num_inference_steps": 8, **OFF, **COMMON, "stochastic_sampling": True},
    "2b-0.9.8-distilled": DISTILLED,
    "13b-0.9.8-distilled": TONED,
    "13b-0.9.8-distilled, given frames": TONED,
    "13b-0.9.8-dev": {
        "downscale_factor": 0.6666666,
        "first_pass": {
            "num_inference_steps": 30,
            "skip_final_inference_steps": 3,
            "guidance_scale": [1, 1, 6, 8, 6, 1, 1],
            "stg_scale": [0, 0, 4, 4, 4, 2, 1],
            "rescaling_scale": [1, 1, 0.5, 0.5, 1, 1, 1],
            "guidance_timesteps": [1.0, 0.996, 0.9933, 0.9850, 0.9767, 0.9008, 0.6180],
            "skip_block_list": [[], [11, 25, 35, 39], [22, 35, 39], [28], [28], [28], [28]],
            "cfg_star_rescale": True,
        },
        "second_pass": {
            "num_inference_steps": 30,
            "skip_initial_inference_steps": 17,
            "guidance_scale": [1],
            "stg_scale": [1],
            "rescaling_scale": [1],
            "guidance_timesteps": [1.0],
            "skip_block_list": [27],
            "cfg_star_rescale": True,
        },
        **COMMON,
    },
}
# Height and width of a picture, and of the video it is for.
PICTURES = {"wide": (90, 201, 64, 96), "tall": (151, 80, 70, 110), "of the size": (64, 96, 64, 96)}


def run(name: str, folder: Path) -> dict[str, torch.Tensor]:
    _, generation, layers, _, given = shared.RUNS[name]
    file = shared.write_released(folder / "model.safetensors", generation, layers)
    pipeline = LTXVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=CausalVideoAutoencoder.from_pretrained(file).eval(),
        transformer=Transformer3DModel.from_pretrained(file).eval(),
        scheduler=RectifiedFlowScheduler.from_pretrained(file),
        patchifier=SymmetricPatchifier(patch_size=1),
        prompt_enhancer_image_caption_model=None,
        prompt_enhancer_image_caption_processor=None,
        prompt_enhancer_llm_model=None,
        prompt_enhancer_llm_tokenizer=None,
        allowed_inference_steps=None,
    )
    pipeline.set_progress_bar_config(disable=True)
    settings = SETTINGS[name]
    if "first_pass" in settings:
        upsampler = LatentUpsampler.from_config(shared.small_upsampler()).eval()
        state = {key: shared.filled(key, tuple(value.shape)) for key, value in upsampler.state_dict().items()}
        upsampler.load_state_dict(state)
        whole = LTXMultiScalePipeline(pipeline, latent_upsampler=upsampler)
    else:
        whole = pipeline
    height, width = shared.HEIGHT, shared.WIDTH_ASKED
    padded = (((height - 1) // 32 + 1) * 32, ((width - 1) // 32 + 1) * 32)
    padding = calculate_padding(height, width, *padded)
    items = [
        ConditioningItem(
            torch.nn.functional.pad(
                torch.from_numpy(shared.picture(seed)).permute(2, 0, 1)[None, :, None] / 127.5 - 1, padding
            ),
            start,
            strength,
        )
        for seed, start, strength in (shared.GIVEN if given else [])
    ]
    (states, mask), (negative, negative_mask) = shared.text(1), shared.text(2)
    made = {}
    for kind in ("latent", "pt"):
        oracle = shared.Oracle()
        torch.manual_seed(0)
        with (
            patch("ltx_video.pipelines.pipeline_ltx_video.randn_tensor", lambda shape, **_: oracle(tuple(shape))),
            patch("diffusers.models.autoencoders.vae.randn_tensor", lambda shape, **_: oracle(tuple(shape))),
            patch("torch.randn_like", lambda like, **_: oracle(tuple(like.shape))),
        ):
            made[kind] = whole(
                **settings,
                skip_layer_strategy=SkipLayerStrategy.AttentionValues,
                generator=torch.Generator(),
                output_type=kind,
                height=padded[0],
                width=padded[1],
                num_frames=((shared.FRAMES - 2) // 8 + 1) * 8 + 1,
                frame_rate=shared.FRAME_RATE,
                prompt=None,
                negative_prompt=None,
                prompt_embeds=states,
                prompt_attention_mask=mask.long(),
                negative_prompt_embeds=negative,
                negative_prompt_attention_mask=negative_mask.long(),
                conditioning_items=items or None,
                is_video=True,
                vae_per_channel_normalize=True,
                image_cond_noise_scale=0.15,
            ).images
    left, _, top, _ = padding
    video = made["pt"][:, :, : shared.FRAMES, top : top + height, left : left + width] * 2 - 1
    return {f"{name}.latents": made["latent"].contiguous(), f"{name}.video": shared.sampled(video)}


def main() -> None:
    runs = {}
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        for name in shared.RUNS:
            runs |= run(name, Path(folder))
            print(name, {key: (tuple(value.shape), float(value.std())) for key, value in runs.items() if name in key})
    save_file(runs, HERE / "runs.safetensors")
    pictures = {}
    for name, (own_height, own_width, height, width) in PICTURES.items():
        image = Image.fromarray(shared.picture(7, own_height, own_width))
        pictures[name] = load_image_to_tensor_with_resize_and_crop(image, height, width, just_crop=True)[0].contiguous()
    save_file(pictures, HERE / "pictures.safetensors")
    (HERE / "pictures.json").write_text(json.dumps(PICTURES, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
