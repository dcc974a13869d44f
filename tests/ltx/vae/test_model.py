"""What stands around the networks: the posterior, the statistics, the decoder's noise; and weights at the start."""

from __future__ import annotations

import pytest
import torch

from ltx.vae.clip import NoiseField
from ltx.vae.config import BlockSpec, VAEConfig
from ltx.vae.convolution import CausalConv3d
from ltx.vae.decoder import Decoder
from ltx.vae.model import ChannelStatistics, Moments, VideoVAE
from ltx.vae.resample import Downsampler
from ltx.vae.residual import ResidualBlock
from ltx.vae.streaming import StreamingDecoder, StreamingEncoder
from ltx.vae.temporal import AtOnce, joined
from ltx.vae.tiling import TiledVAE, Tiling


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def vae() -> VideoVAE:
    """A narrow VAE with timestep conditioning that compresses as the releases do."""
    torch.manual_seed(0)
    up = BlockSpec("compress_all")
    return (
        VideoVAE(VAEConfig((up,) * 3, (BlockSpec("res_x"), up, up, up), 4, 4, 4, 4, True)).eval().requires_grad_(False)
    )


def test_a_draw_is_the_mean_and_half_of_the_log_variance() -> None:
    """Mean 1 and log-variance 2·ln 3 give 1 + 3 ε; log-variances are cut to [−30, 20]."""
    mean = torch.ones(1, 2, 1, 1, 2)
    drawn = Moments(mean, torch.full((1, 1, 1, 1, 2), 2 * torch.tensor(3.0).log())).sample(generator())
    torch.testing.assert_close(drawn, 1 + 3 * torch.randn(mean.shape, generator=generator()))
    encoded = torch.tensor([5.0, 6.0, -31.0, 7.0, 8.0, 21.0]).view(2, 3, 1, 1, 1)
    moments = Moments.of(encoded)
    assert moments.mean.flatten().tolist() == [5, 6, 7, 8]
    assert moments.log_variance.flatten().tolist() == [-30, 20]


def test_statistics_there_and_back() -> None:
    """(z − mean) / std, and z · std + mean, channel by channel."""
    statistics = ChannelStatistics(2)
    statistics.get_buffer("mean-of-means").copy_(torch.tensor([1.0, 3.0]))
    statistics.get_buffer("std-of-means").copy_(torch.tensor([2.0, 4.0]))
    given = torch.tensor([5.0, 5.0]).view(1, 2, 1, 1, 1)
    assert statistics.normalize(given).flatten().tolist() == [2, 0.5]
    assert statistics.denormalize(given).flatten().tolist() == [11, 23]


def test_noise_is_mixed_in_at_its_scale_and_drawn_only_then(vae: VideoVAE) -> None:
    """(1 − s)·z + s·ε with s the timestep or the scale; nothing is drawn at 0."""
    latents, draws = torch.ones(2, 4, 1, 1, 1), generator()
    for scale, level in ((None, 0.25), (0.25, 0.5)):
        mixed, told = vae.decoder_input(latents, level, scale, generator())
        torch.testing.assert_close(mixed, 0.75 + 0.25 * torch.randn(latents.shape, generator=generator()))
        assert told.tolist() == [level, level]
    for scale in (None, 0.0):
        plain, told = vae.decoder_input(latents, None, scale, draws)
        assert torch.equal(plain, latents) and told.tolist() == [0, 0]
    assert torch.equal(draws.get_state(), generator().get_state())


@pytest.mark.parametrize("sizes", [(3, 1), (1, 3)])
def test_tiles_of_one_row_or_one_column_are_put_together(vae: VideoVAE, sizes: tuple[int, int]) -> None:
    """A picture that is cut along one axis alone is whole."""
    latents = torch.randn(1, 4, 1, *sizes, generator=generator())
    video = TiledVAE(vae, Tiling(1, 40), AtOnce()).decode(latents)
    torch.testing.assert_close(video, vae.decode(latents), rtol=1e-4, atol=1e-5)


def test_closing_all_at_once_takes_one_piece(vae: VideoVAE) -> None:
    """Every convolution of the decoder that looks ahead is closed, and then nothing is asked of it any more."""
    calls = []
    stream = StreamingDecoder(vae, torch.zeros(1))
    stream.push(torch.zeros(1, 4, 1, 1, 1))
    hook = vae.decoder.register_forward_hook(lambda *_: calls.append(1))
    layers = sum(isinstance(module, CausalConv3d) for module in vae.decoder.modules())
    video = torch.cat(list(stream.finish(layers)), dim=2)
    hook.remove()
    assert len(calls) == 1 and video.shape[2] == 1


def test_a_stream_is_continued_by_its_like_alone(vae: VideoVAE) -> None:
    """No frames, half of a latent's, another batch, other channels: each is refused with what was expected."""
    encoder = StreamingEncoder(vae)
    encoder.push(torch.zeros(1, 3, 1, 32, 32))
    for frames in (0, 4, 12):
        with pytest.raises(ValueError, match=f"multiple of 8 further frames, got {frames}"):
            encoder.push(torch.zeros(1, 3, frames, 32, 32))
    decoder = StreamingDecoder(vae, torch.zeros(1))
    with pytest.raises(ValueError, match=r"at least one latent frame continuing None, got \(1, 4, 0, 1, 1\)"):
        decoder.push(torch.zeros(1, 4, 0, 1, 1))
    decoder.push(torch.zeros(1, 4, 1, 1, 1))
    for shape in ((1, 4, 0, 1, 1), (2, 4, 1, 1, 1), (1, 4, 1, 1, 2)):
        with pytest.raises(ValueError, match=r"continuing \(1, 4, 0, 1, 1\)"):
            decoder.push(torch.zeros(shape))
    list(decoder.finish())
    with pytest.raises(ValueError, match="has already ended"):
        list(decoder.finish())


def test_a_single_piece_is_not_copied() -> None:
    """One that is all frames is the result itself; several are joined."""
    piece = torch.arange(6.0).view(1, 1, 3, 1, 2)
    whole = joined(iter([piece]), 3, lambda x: x)
    assert whole is piece
    assert torch.equal(joined(iter(piece.split([2, 1], dim=2)), 3, lambda x: x), piece)


@pytest.mark.parametrize(("inputs", "outputs"), [(4, 6), (3, 16)])
def test_impossible_shuffles_are_refused(inputs: int, outputs: int) -> None:
    """Outputs that a cell of 4 does not divide, and that do not divide what is folded."""
    with pytest.raises(ValueError, match="an output divisible by 4 that divides"):
        Downsampler(inputs, outputs, (1, 2, 2))
    assert Downsampler(4, 8, (1, 2, 2)).group == 2


def test_tables_start_small() -> None:
    """Normal with a deviation of 1 / √width, as tables of adaptive norms usually do."""
    torch.manual_seed(0)
    block = ResidualBlock(1024, 1024, causal=False, timed=True)
    assert block.scale_shift_table is not None
    assert block.scale_shift_table.std().item() == pytest.approx(1 / 32, rel=0.1)


def test_the_last_table_starts_small() -> None:
    """Likewise before the pixels."""
    torch.manual_seed(0)
    config = VAEConfig((), (), decoder_base_channels=256, latent_channels=1, patch_size=1, timestep_conditioning=True)
    assert Decoder(config).last_scale_shift_table.std().item() == pytest.approx(1 / 16, rel=0.2)


def test_noise_fields_give_each_scale_its_own_map() -> None:
    """The same map for the same scale, however often it is asked for, at the resolution of what asks."""
    field, one, two = NoiseField(), torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    x = torch.zeros(1, 1, 1, 4, 6)
    assert torch.equal(field.map(one, x), field.map(one, x)) and field.map(one, x).shape == (4, 6)
    assert not torch.equal(field.map(one, x), field.map(two, x))
