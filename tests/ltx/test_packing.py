"""Clips of several sizes as sequences of one length."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ltx.packing import GivenFrames, pack


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def marked(frames: int, height: int, width: int) -> Tensor:
    """A clip whose three channels are each latent's own frame, row and column."""
    axes = [torch.arange(float(size)) for size in (frames, height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize("causal", [True, False])
def test_every_token_keeps_its_place(causal: bool) -> None:
    """What is left of a 3×4×5 and a 2×5×5 clip, 60 and 50 tokens cut to 48, lies where it lay; order is kept."""
    clips = [marked(3, 4, 5), marked(2, 5, 5)]
    packed = pack(
        clips, given=[range(1), range(0)], keep=48, frame_rates=[8.0, 4.0], causal=causal, generator=generator()
    )
    assert packed.tokens.shape == (2, 48, 3) and packed.coordinates.shape == (2, 3, 48)
    frame, row, column = packed.tokens.unbind(-1)
    pixel_frame = (8 * frame - 7).clamp(min=0) if causal else 8 * frame
    torch.testing.assert_close(packed.coordinates[:, 0], pixel_frame / torch.tensor([[8.0], [4.0]]))
    assert torch.equal(packed.coordinates[:, 1], 32 * row)
    assert torch.equal(packed.coordinates[:, 2], 32 * column)
    for width, tokens in zip((5, 5), packed.tokens, strict=True):
        number = tokens @ torch.tensor([100.0 * width, 10.0, 1.0])
        assert (number.diff() > 0).all()


def test_given_tokens_stay() -> None:
    """Of 3×4×4 tokens the 32 given ones all stay; what is left out changes with the generator."""
    options = {"given": [range(2)], "keep": 40, "frame_rates": [8.0], "causal": True}
    one, other = (pack([marked(3, 4, 4)], **options, generator=generator(seed)) for seed in (0, 1))
    for packed in (one, other):
        assert packed.given.sum() == 32
        assert torch.equal(packed.given[0], (packed.tokens[0, :, 0] < 2).float())
    assert not torch.equal(one.tokens, other.tokens)


def test_tokens_are_left_out_alike() -> None:
    """Over many draws each of 20 free tokens is left out equally often, a fifth of the time."""
    draws = generator()
    kept = torch.zeros(20)
    for _ in range(2000):
        packed = pack([marked(1, 4, 5)], given=[range(0)], keep=16, frame_rates=[8.0], causal=True, generator=draws)
        kept += torch.bincount((packed.tokens[0, :, 1] * 5 + packed.tokens[0, :, 2]).long(), minlength=20)
    assert (kept / 2000 - 0.8).abs().max() < 0.04


def test_whole_clips_are_left_whole() -> None:
    """Nothing is left out, and nothing drawn, where the length is the clip's own."""
    draws = generator()
    packed = pack(
        [marked(2, 2, 2)] * 3,
        given=[range(0), range(1), range(1)],
        keep=8,
        frame_rates=[8.0] * 3,
        causal=True,
        generator=draws,
    )
    assert torch.equal(packed.tokens[0], marked(2, 2, 2).flatten(1).T)
    assert packed.given.sum(1).tolist() == [0, 4, 4]
    assert torch.equal(draws.get_state(), generator().get_state())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"given": [range(2)]}, "fewer given frames than the 2"),
        ({"given": [range(1, 3)]}, "fewer given frames than the 2"),
        ({"given": [range(0)] * 2}, "for each clip"),
        ({"keep": 9}, "between 4 and 8"),
        ({"keep": 3}, "between 4 and 8"),
    ],
)
def test_what_cannot_be_packed_is_refused(change: dict, message: str) -> None:
    """Clips given whole, lists of other lengths, and lengths no clip can be cut to are refused with the numbers."""
    options = {"given": [range(1)], "keep": 6, "frame_rates": [8.0], "causal": True, **change}
    with pytest.raises(ValueError, match=message):
        pack([marked(2, 2, 2)], **options, generator=generator())


def test_given_frames_come_with_their_probabilities() -> None:
    """Half of long clips are given 3 frames, a fifth one, a fifth the last 3, the rest none; short ones keep one."""
    given = GivenFrames(3, clip_share=0.5, image_share=0.2, suffix_share=0.2)
    drawn = given.draw([5] * 20_000, generator())
    for frames, share in ((range(3), 0.5), (range(1), 0.2), (range(2, 5), 0.2), (range(0), 0.1)):
        assert drawn.count(frames) / len(drawn) == pytest.approx(share, abs=0.02)
    assert set(given.draw([3] * 100, generator())) == {range(0), range(1), range(2, 3)}
    assert {len(one) for one in given.draw([1] * 100, generator())} == {0}
    assert given.draw([4], generator()) == given.draw([4], generator())


@pytest.mark.parametrize(
    ("shares", "usual"),
    [((0.6, 0.1, 0.1), range(2)), ((0.1, 0.6, 0.1), range(1)), ((0.1, 0.1, 0.6), range(2, 4)), ((0, 0.4, 0), range(0))],
)
def test_what_is_given_most_often_is_usual(shares: tuple[float, float, float], usual: range) -> None:
    """Beginning, picture, end or nothing, of a clip of four frames; of an image nothing."""
    given = GivenFrames(2, *shares)
    assert given.usual(4) == usual
    assert len(given.usual(1)) == 0


@pytest.mark.parametrize(("clip", "clip_share", "image_share"), [(0, 0.5, 0.5), (2, 0.8, 0.3), (2, -0.1, 0.5)])
def test_impossible_shares_are_refused(clip: int, clip_share: float, image_share: float) -> None:
    """Shares that are no probabilities, and clips without frames, are refused."""
    with pytest.raises(ValueError, match="add up to at most 1"):
        GivenFrames(clip, clip_share=clip_share, image_share=image_share)


@pytest.mark.parametrize(
    "change",
    [
        {"given": []},
        {"frame_rates": []},
        {"frame_rates": [8.0] * 2},
        {"given": [range(-1, 1)]},
        {"given": [range(2, 3)]},
    ],
)
def test_lists_and_frames_that_do_not_fit_are_refused(change: dict) -> None:
    """Of another length than the clips, or of frames that a clip has not."""
    options = {"given": [range(1)], "keep": 6, "frame_rates": [8.0], "causal": True, **change}
    with pytest.raises(ValueError, match=r"for each clip|fewer given frames"):
        pack([marked(2, 2, 2)], **options, generator=generator())
    with pytest.raises(ValueError, match="got 0 clips, 0 and 0"):
        pack([], **{**options, "given": [], "frame_rates": []}, generator=generator())


@pytest.mark.parametrize(
    ("draw", "frames", "expected"),
    [
        (0.49, 5, range(3)),
        (0.5, 5, range(1)),
        (0.69, 5, range(1)),
        (0.71, 5, range(2, 5)),
        (0.89, 5, range(2, 5)),
        (0.91, 5, range(0)),
        (0.0, 3, range(1)),
        (0.0, 4, range(3)),
        (0.0, 1, range(0)),
        (0.6, 1, range(0)),
        (0.8, 3, range(2, 3)),
        (0.8, 1, range(1, 1)),
    ],
)
def test_what_a_number_gives(draw: float, frames: int, expected: range) -> None:
    """Half a beginning of three, a fifth a picture, a fifth an end, a tenth nothing; as many as leave one."""
    assert GivenFrames(3, 0.5, 0.2, 0.2)._fitting(draw, frames) == expected


@pytest.mark.parametrize(
    ("shares", "frames", "usual"),
    [
        ((0.5, 0.5, 0.0), 5, range(3)),
        ((0.2, 0.4, 0.4), 5, range(1)),
        ((0.0, 0.1, 0.5), 5, range(2, 5)),
        ((0.6, 0.1, 0.1), 3, range(2)),
        ((0.1, 0.2, 0.3), 5, range(0)),
        ((0.1, 0.2, 0.36), 5, range(2, 5)),
    ],
)
def test_what_is_usual_where_shares_are_close(shares: tuple[float, float, float], frames: int, usual: range) -> None:
    """Of equal ones the first; nothing where the rest of the shares is the largest."""
    assert GivenFrames(3, *shares).usual(frames) == usual


@pytest.mark.parametrize(
    ("shares", "fits"),
    [((0.5, 0.5, 0.0), True), ((0.7, 0.2, 0.1), True), ((0.5, 0.3, 0.3), False), ((0.5, 0.0, -0.1), False)],
)
def test_shares_add_up_to_one_at_most(shares: tuple[float, float, float], fits: bool) -> None:
    """A rounding apart."""
    if fits:
        GivenFrames(1, *shares)
    else:
        with pytest.raises(ValueError, match="at most 1"):
            GivenFrames(1, *shares)
