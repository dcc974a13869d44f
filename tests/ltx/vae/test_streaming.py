"""Piecewise encoding and decoding against doing it at once, causality, and the sizes of the releases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from ltx.vae.config import VAEConfig
from ltx.vae.model import VideoVAE
from ltx.vae.streaming import StreamingDecoder, StreamingEncoder, decode_in_pieces

TOLERANCE = 1e-5

UP = ["compress_all", {"residual": True, "multiplier": 2}]
ENCODER_090 = [
    ["res_x", 4],
    ["compress_all", 1],
    ["res_x_y", 1],
    ["res_x", 3],
    ["compress_all", 1],
    ["res_x_y", 1],
    ["res_x", 3],
    ["compress_all", 1],
    ["res_x", 3],
    ["res_x", 4],
]
DECODER_091 = [
    ["res_x", {"num_layers": 5, "inject_noise": True}],
    UP,
    ["res_x", {"num_layers": 6, "inject_noise": True}],
    UP,
    ["res_x", {"num_layers": 7, "inject_noise": True}],
    UP,
    ["res_x", {"num_layers": 8, "inject_noise": False}],
]
ENCODER_095 = [
    ["res_x", 4],
    ["compress_space_res", {"multiplier": 2}],
    ["res_x", 6],
    ["compress_time_res", {"multiplier": 2}],
    ["res_x", 6],
    ["compress_all_res", {"multiplier": 2}],
    ["res_x", 2],
    ["compress_all_res", {"multiplier": 2}],
    ["res_x", 2],
]
DECODER_095 = [["res_x", 5], UP, ["res_x", 5], UP, ["res_x", 5], UP, ["res_x", 5]]

RELEASES: dict[str, tuple[dict[str, Any], int]] = {
    "0.9.0": ({"blocks": ENCODER_090}, 419_193_649),
    "0.9.1": (
        {"encoder_blocks": ENCODER_090, "decoder_blocks": DECODER_091, "timestep_conditioning": True},
        934_976_434,
    ),
    "0.9.5": (
        {"encoder_blocks": ENCODER_095, "decoder_blocks": DECODER_095, "timestep_conditioning": True},
        1_246_913_522,
    ),
}


def _single(blocks: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The same blocks with one residual layer each and no random noise."""
    return [["res_x", 1] if kind == "res_x" else [kind, parameters] for kind, parameters in blocks]


@pytest.fixture(params=["0.9.0", "0.9.5"])
def vae(request: pytest.FixtureRequest) -> VideoVAE:
    """A narrow, shallow VAE with the blocks of a release and random weights, in double precision."""
    fields = dict(RELEASES[request.param][0])
    for name in set(fields) - {"timestep_conditioning"}:
        fields[name] = _single(fields[name])
    config = VAEConfig.from_dict(
        {**fields, "encoder_base_channels": 4, "decoder_base_channels": 4, "latent_channels": 8}
    )
    torch.manual_seed(0)
    model = VideoVAE(config).double().eval().requires_grad_(False)
    statistics = model.per_channel_statistics
    statistics.get_buffer("mean-of-means").normal_()
    statistics.get_buffer("std-of-means").uniform_(0.5, 2.0)
    return model


def _video(frames: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, frames, 32, 64, generator=generator, dtype=torch.float64) * 2 - 1


def _latents(frames: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(2, 8, frames, 1, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("lengths", [(1, 8, 8, 16), (9, 24), (33,)])
def test_streaming_encoder_equals_encode(vae: VideoVAE, lengths: tuple[int, ...]) -> None:
    """Latents of the pieces, joined, are those of the whole clip, however it is cut."""
    video = _video(sum(lengths))
    encoder = StreamingEncoder(vae)
    pieces = [encoder.push(piece) for piece in video.split(lengths, dim=2)]
    torch.testing.assert_close(torch.cat(pieces, dim=2), vae.encode(video), rtol=0, atol=TOLERANCE)


def test_encoder_is_causal(vae: VideoVAE) -> None:
    """The first frame alone gives the first latent and nine frames the first two, whatever follows them."""
    video = _video(25)
    whole = vae.encode(video)
    assert whole.shape == (2, 8, 4, 1, 2)
    for frames, latents in ((1, 1), (9, 2)):
        torch.testing.assert_close(vae.encode(video[:, :, :frames]), whole[:, :, :latents], rtol=0, atol=TOLERANCE)


def test_encoder_reads_its_last_frames(vae: VideoVAE) -> None:
    """Another last frame changes the last latent, so causality is not that of a constant."""
    video = _video(17)
    other = video.clone()
    other[:, :, -1] += 1
    assert (vae.encode(video)[:, :, -1] - vae.encode(other)[:, :, -1]).abs().max() > 1e-3


@pytest.mark.parametrize("frames", [1, 3, 20])
def test_decode_in_pieces_equals_decode(vae: VideoVAE, frames: int) -> None:
    """Frames of the pieces, joined, are those of `decode` with the same timestep and noise."""
    latents = _latents(14)
    options = {"timestep": 0.05, "noise_scale": 0.025}
    whole = vae.decode(latents, **options, generator=torch.Generator().manual_seed(3))
    pieces = list(decode_in_pieces(vae, latents, frames=frames, **options, generator=torch.Generator().manual_seed(3)))
    assert whole.shape == (2, 3, 105, 32, 64)
    torch.testing.assert_close(torch.cat(pieces, dim=2), whole, rtol=0, atol=TOLERANCE)


def test_streaming_decoder_equals_decode(vae: VideoVAE) -> None:
    """Uneven pushes and the end give the frames of `decode`, some of them before the end."""
    latents = _latents(14)
    prepared, level = vae.decoder_input(latents, None, None, None)
    decoder = StreamingDecoder(vae, level)
    early = [decoder.push(piece) for piece in prepared.split((2, 11, 1), dim=2)]
    assert sum(piece.shape[2] for piece in early) > 0
    video = torch.cat([*early, *decoder.finish()], dim=2)
    torch.testing.assert_close(video, vae.decode(latents), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("frames", [1, 3])
def test_no_piece_is_longer_than_its_latents(vae: VideoVAE, frames: int) -> None:
    """Also at the end, where the decoder gives what it held back, a piece has at most eight frames for each latent."""
    pieces = list(decode_in_pieces(vae, _latents(14), frames=frames))
    assert sum(piece.shape[2] for piece in pieces) == 105
    assert max(piece.shape[2] for piece in pieces) <= 8 * frames


def test_streams_refuse_what_does_not_continue_the_clip(vae: VideoVAE) -> None:
    """Odd lengths, another size, a second end and an empty piece size are errors."""
    encoder = StreamingEncoder(vae)
    encoder.push(_video(9))
    with pytest.raises(ValueError, match="multiple of 8"):
        encoder.push(_video(9))
    with pytest.raises(ValueError, match="expected more frames"):
        encoder.push(_video(8)[..., :32])
    decoder = StreamingDecoder(vae, torch.zeros(2, dtype=torch.float64))
    with pytest.raises(ValueError, match="before the end"):
        next(decoder.finish())
    decoder.push(_latents(2))
    list(decoder.finish())
    with pytest.raises(ValueError, match="no more latents"):
        decoder.push(_latents(2))
    with pytest.raises(ValueError, match="at least one latent frame"):
        next(decode_in_pieces(vae, _latents(2), frames=0))


@pytest.mark.parametrize("release", RELEASES)
def test_parameter_counts_of_the_releases(release: str) -> None:
    """The published block lists give exactly the published number of parameters."""
    fields, count = RELEASES[release]
    with torch.device("meta"):
        model = VideoVAE(VAEConfig.from_dict(fields))
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    assert model.config.compression == (8, 32, 32)
