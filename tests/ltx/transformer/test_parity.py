"""The transformer against diffusers' LTXVideoTransformer3DModel with the same weights."""

from typing import Any

import pytest
import torch
from diffusers import LTXVideoTransformer3DModel

from ltx.shapes import LatentShape, coordinates
from ltx.transformer import TransformerConfig, VideoTransformer

TOLERANCE = 1e-5
NAMES = ["T1", "T2", "T3", "T4", "T5"]
RENAMES = [("patchify_proj", "proj_in"), ("adaln_single", "time_embed"), ("q_norm", "norm_q"), ("k_norm", "norm_k")]


def diffusers_name(key: str) -> str:
    """The released key in diffusers' spelling: only four words differ."""
    for ours, theirs in RENAMES:
        key = key.replace(ours, theirs)
    return key


def twin(model: VideoTransformer) -> LTXVideoTransformer3DModel:
    """Diffusers' model with these weights; every key has to fit."""
    config = {key: value for key, value in model.config.to_diffusers_dict().items() if not key.startswith("_")}
    config.pop("causal_temporal_positioning")
    other = LTXVideoTransformer3DModel(**config)
    other.load_state_dict({diffusers_name(key): value for key, value in model.state_dict().items()}, strict=True)
    return other.eval()


def expected(other, inputs, timesteps, mask=None, **positions):
    """Diffusers' velocity; its timesteps are 0…1000."""
    kept = torch.ones(inputs.mask.shape) if mask is None else mask
    sizes = {"num_frames": 3, "height": 4, "width": 5, **positions}
    return other(
        inputs.tokens, inputs.context, 1000 * timesteps, encoder_attention_mask=kept, return_dict=False, **sizes
    )[0]


@torch.no_grad()
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_time_per_token_mask_and_coordinates(name: Any, batch: int, model_of: Any, inputs_of: Any) -> None:
    """With a time per token, text masks and explicit coordinates the velocity is diffusers' to 1e-5."""
    model, inputs = model_of(name), inputs_of(name, batch=batch)
    ours = model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, inputs.mask)
    # Diffusers takes what is divided by 20 s and 2048 px, as we do.
    theirs = expected(twin(model), inputs, inputs.timesteps, inputs.mask.float(), video_coords=inputs.coordinates)
    assert ours.abs().mean() > 0.1
    assert (ours - theirs).abs().max() <= TOLERANCE


@torch.no_grad()
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_one_time_per_sample_and_no_mask(name: Any, batch: int, model_of: Any, inputs_of: Any) -> None:
    """With a single column of times, no mask and the plain grid of 0.9.0 the velocity is diffusers' to 1e-5."""
    model, inputs = model_of(name), inputs_of(name, batch=batch)
    grid = coordinates(LatentShape(3, 4, 5), frame_rate=25.0, causal=False).expand(batch, -1, -1)
    ours = model(inputs.tokens, inputs.timesteps[:, :1], grid, inputs.context, None)
    scale = (8 / 25, 32, 32)
    theirs = expected(twin(model), inputs, inputs.timesteps[:, 0], rope_interpolation_scale=scale)
    assert (ours - theirs).abs().max() <= TOLERANCE


@torch.no_grad()
def test_a_row_without_text_attends_as_in_diffusers(model_of: Any, inputs_of: Any) -> None:
    """The mask's bias is finite: where no text token is kept both models attend almost evenly, and agree."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    mask = inputs.mask.clone()
    mask[1] = False
    ours = model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, mask)
    theirs = expected(twin(model), inputs, inputs.timesteps, mask.float(), video_coords=inputs.coordinates)
    assert (ours - theirs).abs().max() <= TOLERANCE


def test_gradients_are_those_of_diffusers(model_of: Any, inputs_of: Any) -> None:
    """Training sees the same gradients for every weight."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    other = twin(model)
    ours = model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, inputs.mask)
    theirs = expected(other, inputs, inputs.timesteps, inputs.mask.float(), video_coords=inputs.coordinates)
    ours.square().mean().backward()
    theirs.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in other.named_parameters()}
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[diffusers_name(name)], atol=1e-5, rtol=1e-4)


def test_only_four_words_of_the_keys_differ(model_of: Any) -> None:
    """Diffusers' keys are the released ones after four renames, and none of them is idle."""
    model = model_of("T5")
    keys = set(model.state_dict())
    assert {diffusers_name(key) for key in keys} == set(twin(model).state_dict())
    for ours, theirs in RENAMES:
        assert any(ours in key for key in keys)
        assert not any(theirs in key for key in keys)


@pytest.mark.parametrize(
    ("config", "parameters", "tensors"),
    [
        (TransformerConfig.ltx_2b(causal_temporal_positioning=False), 1_923_385_472, 715),
        (TransformerConfig.ltx_13b(), 13_042_569_344, 1215),
    ],
)
def test_released_sizes(config: Any, parameters: int, tensors: int) -> None:
    """The 2B and 13B configurations have the released number of parameters and tensors."""
    with torch.device("meta"):
        model = VideoTransformer(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert len(model.state_dict()) == tensors


@pytest.mark.parametrize(
    ("name", "parameters"), [("T1", 52_072), ("T2", 109_592), ("T3", 35_472), ("T4", 51_368), ("T5", 186_056)]
)
def test_tiny_sizes(name: str, parameters: int, model_of: Any) -> None:
    """The tiny models have the parameter counts of diffusers' class."""
    assert sum(parameter.numel() for parameter in model_of(name).parameters()) == parameters
