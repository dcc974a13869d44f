"""The second edition's VAE from the first's weights."""

from pathlib import Path

import pytest
import torch

import foresight
from experiments.tiny import grow_vae
from experiments.tiny.grow_vae import fit_head, grown, head
from ltx.vae import VideoVAE

FIRST = Path(foresight.__file__).parent / "models" / "foresight-tiny" / "vae"


def test_a_grown_vae_keeps_what_fits_and_is_small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder and the middle of the decoder are the first edition's, the pixel stage holds its weights in a corner,
    all is below 15 MB in bfloat16, and the narrower head learns to say what the old one says."""
    torch.manual_seed(0)
    first = VideoVAE.from_pretrained(FIRST, dtype=torch.float32)
    second = grown(first)
    old, new = first.state_dict(), second.state_dict()
    assert sum(2 * tensor.numel() for tensor in new.values()) < 14_500_000
    kept = [name for name in new if old[name].shape == new[name].shape and torch.equal(old[name], new[name])]
    assert {name for name in new if name.startswith("encoder.")} <= set(kept)
    assert {name for name in new if name.startswith(("decoder.up_blocks.2.", "decoder.up_blocks.4."))} <= set(kept)
    assert second.config.decoder_width == 64 and second.config.compression == first.config.compression
    pixels = "decoder.up_blocks.6.res_blocks.0.conv1.conv.weight"
    assert torch.equal(new[pixels][:32, :32], old[pixels])

    # The widened time embedding says to old channels what it said: each of its vectors keeps its place.
    levels = torch.tensor([0.05, 0.15])
    embedders = [vae.decoder.last_time_embedder for vae in (first, second)]
    with torch.no_grad():
        said = [e(levels * 1000, torch.float32).unflatten(1, (2, -1)) for e in embedders if e is not None]
    assert torch.allclose(said[1][:, :, :32], said[0], atol=0.3 * float(said[0].abs().max()))

    monkeypatch.setattr(grow_vae, "STEPS", 60)
    monkeypatch.setattr(grow_vae, "BATCH", 2)
    latents = torch.randn(4, 128, 2, 2, 2, generator=torch.Generator().manual_seed(1))
    raw, still = first.per_channel_statistics.denormalize(latents), torch.full((4,), 0.05)

    @torch.no_grad()
    def error() -> float:
        wanted = head(first, raw, still)
        return float((head(second, raw, still) - wanted).square().mean() / wanted.var())

    before = error()
    fit_head(first, second, latents)
    assert error() < before / 3
