"""Small random checkpoints written by diffusers, and the released sampling loop written out over its transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel
from torch import Tensor, nn

from ltx.text import TextConditioning
from ltx.vae.diffusers_fields import diffusers as diffusers_fields
from tests.small import vae_config

CHANNELS, CAPTIONS = 8, 16
SHIFTED = {
    "use_dynamic_shifting": True,
    "base_image_seq_len": 1024,
    "max_image_seq_len": 4096,
    "base_shift": 0.95,
    "max_shift": 2.05,
    "shift_terminal": 0.1,
}


def write_checkpoint(path: Path, *, generation: str, layers: int) -> Path:
    """A checkpoint folder that diffusers itself writes: a release's structure with few random weights."""
    torch.manual_seed(0)
    transformer = LTXVideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=12,
        cross_attention_dim=24,
        num_layers=layers,
        caption_channels=CAPTIONS,
    )
    fields = diffusers_fields(vae_config(generation, channels=CHANNELS))
    vae = AutoencoderKLLTXVideo(**{name: value for name, value in fields.items() if not name.startswith("_")})
    with torch.no_grad():
        # What starts at zero or one would hide mistakes.
        for model in (transformer, vae):
            for name, parameter in model.named_parameters():
                if "norm" in name and name.endswith("weight"):
                    parameter.uniform_(0.5, 1.5)
                if "per_channel_scale" in name:
                    parameter.normal_(std=0.1)
        vae.latents_mean.normal_(std=0.5)
        vae.latents_std.uniform_(0.5, 1.5)
    transformer.save_pretrained(path / "transformer")
    vae.save_pretrained(path / "vae")
    settings = {} if generation == "0.9.5" else SHIFTED
    FlowMatchEulerDiscreteScheduler(**settings).save_pretrained(path / "scheduler")
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Folder of a generation's structure with a number of blocks, made once."""
    made: dict[tuple[str, int], Path] = {}

    def folder(generation: str, layers: int) -> Path:
        key = (generation, layers)
        if key not in made:
            path = tmp_path_factory.mktemp(f"{generation}-{layers}")
            made[key] = write_checkpoint(path, generation=generation, layers=layers)
        return made[key]

    return folder


@pytest.fixture(scope="session")
def folder(checkpoint: Callable[[str, int], Path]) -> Path:
    """The structure of 0.9.5 and later with two blocks."""
    return checkpoint("0.9.5", 2)


def random_text(seed: int, batch: int = 1) -> TextConditioning:
    """Random context tokens, some of them masked."""
    states = torch.randn(batch, 6, CAPTIONS, generator=torch.Generator().manual_seed(seed))
    return TextConditioning(states, torch.arange(6).expand(batch, 6) < 3 + seed)


@pytest.fixture(scope="session")
def text() -> Callable[..., TextConditioning]:
    """Makes context tokens from a seed."""
    return random_text


# Strengths of one step as the released configurations list them: CFG, STG, rescale, perturbed blocks, CFG-star.
Strengths = tuple[float, float, float, tuple[int, ...], bool]


class WrittenOut:
    """The released sampling loop (ltx-reference 3.1, 3.3, 3.4) for one sample, one branch of one step at a time.

    Nothing of ours is in here: the transformer is diffusers', perturbed by replacing the attention of a block, and the
    formulas are written where they are used.
    """

    def __init__(self, folder: Path, positive: TextConditioning, negative: TextConditioning) -> None:
        self.transformer = LTXVideoTransformer3DModel.from_pretrained(folder / "transformer").eval()
        self.positive, self.negative = positive, negative

    @torch.no_grad()
    def velocity(
        self, tokens: Tensor, times: Tensor, places: Tensor, text: TextConditioning, perturbed: Sequence[int] = ()
    ) -> Tensor:
        """One branch; in perturbed blocks self-attention gives each token its own value."""
        attentions = [self.transformer.transformer_blocks[block].attn1 for block in perturbed]
        for attention in attentions:
            attention.forward = partial(_own_value, attention)
        try:
            return self.transformer(
                hidden_states=tokens,
                encoder_hidden_states=text.embeddings,
                timestep=1000 * times,
                encoder_attention_mask=text.mask,
                video_coords=places,
                return_dict=False,
            )[0]
        finally:
            for attention in attentions:
                del attention.forward

    def guided(self, tokens: Tensor, times: Tensor, places: Tensor, strengths: Strengths) -> Tensor:
        """Guidance in the released order: CFG-star, CFG, STG, rescale."""
        scale, stg, rescale, blocks, star = strengths
        positive = self.velocity(tokens, times, places, self.positive)
        result = positive
        if scale > 1:
            negative = self.velocity(tokens, times, places, self.negative)
            if star:
                negative = (positive * negative).sum() / (negative.square().sum() + 1e-8) * negative
            result = negative + scale * (positive - negative)
        if stg > 0:
            perturbed = self.velocity(tokens, times, places, self.positive, blocks)
            result = result + stg * (positive - perturbed)
            if rescale != 1:
                result = result * (rescale * positive.std() / result.std() + 1 - rescale)
        return result

    def run(
        self,
        tokens: Tensor,
        sigmas: Sequence[float],
        strengths: Sequence[Strengths],
        places: Tensor,
        generator: torch.Generator,
        *,
        kept: Tensor | None = None,
        kept_noise: float = 0.0,
        stochastic: bool = False,
    ) -> Tensor:
        """All steps. `kept` is the conditioning strength of each token."""
        initial, kept = tokens.clone(), torch.zeros(tokens.shape[:2]) if kept is None else kept
        for sigma, after, step_strengths in zip(sigmas, [*sigmas[1:], 0.0], strengths, strict=True):
            if kept_noise and bool((kept == 1).any()):
                noise = torch.randn(tokens.shape[1:], generator=generator)
                tokens = torch.where((kept == 1)[..., None], initial + kept_noise * noise * sigma**2, tokens)
            times = (1 - kept).clamp(max=sigma)
            velocity = self.guided(tokens, times, places, step_strengths)
            if stochastic:
                clean = tokens - times[..., None] * velocity
                moved = (1 - after) * clean + after * torch.randn(tokens.shape[1:], generator=generator)
            else:
                moved = tokens - (sigma - after) * velocity
            tokens = torch.where((sigma - 1e-6 < 1 - kept)[..., None], moved, tokens)
        return tokens


def _own_value(attention: nn.Module, hidden_states: Tensor, **_: object) -> Tensor:
    return attention.to_out[0](attention.to_v(hidden_states))


@pytest.fixture(scope="session")
def written_out() -> type[WrittenOut]:
    """The released sampling loop."""
    return WrittenOut


def grid_places(size: tuple[int, int, int], frame_rate: float, *, causal: bool, start: int = 0) -> Tensor:
    """Seconds, rows and columns of a latent grid, one token after the other."""
    places = []
    for frame in range(size[0]):
        first = max(0, 8 * frame - 7) if causal else 8 * frame
        for row in range(size[1]):
            places += [((first + start) * (1 / frame_rate), 32.0 * row, 32.0 * column) for column in range(size[2])]
    return torch.tensor(places).T[None]


@pytest.fixture(scope="session")
def places() -> Callable[..., Tensor]:
    """Coordinates of a grid."""
    return grid_places
