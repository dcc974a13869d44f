import pytest
import torch
from torch import Tensor

from ltx.conditioning.item import ConditioningItem, LatentItem
from ltx.conditioning.place import ConditionedTokens, Grid, InContextTokens, place, reference_video
from ltx.shapes import LatentShape

# 33 frames at 1 frame per second: the seconds of a token are its pixel frame.
SHAPE = LatentShape(5, 1, 1)
GRID = Grid(SHAPE, frame_rate=1.0, causal=True)
VIDEO_FRAMES = [0, 1, 9, 17, 25]


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, 1, -1, 1, 1)


def noise(count: int) -> Tensor:
    return torch.randn(1, count, 1, generator=torch.Generator().manual_seed(7)).flatten()


def placed(*items: LatentItem, in_context: tuple[InContextTokens, ...] = (), grid: Grid = GRID) -> ConditionedTokens:
    generator = torch.Generator().manual_seed(7)
    return place(column(0, 0, 0, 0, 0), items, grid=grid, generator=generator, in_context=in_context)


def frames(result: ConditionedTokens) -> list[float]:
    return result.coordinates[0, 0].tolist()


def test_nothing() -> None:
    """Without items the tokens are the start's, free, at their own places."""
    result = placed()
    assert result.extra == 0
    assert result.strength.tolist() == [[0] * 5]
    assert frames(result) == VIDEO_FRAMES


def test_at_frame_0() -> None:
    """An image or clip at frame 0 is blended in place by its strength, which is the tokens' mask."""
    result = placed(LatentItem(column(4, 8), 0, 0.5))
    assert result.extra == 0
    assert result.tokens.flatten().tolist() == [2, 4, 0, 0, 0]
    assert result.strength.flatten().tolist() == [0.5, 0.5, 0, 0, 0]
    assert frames(result) == VIDEO_FRAMES


def test_key_frame() -> None:
    """A later image, at any frame, becomes a token in front, blended with noise, at its own frame."""
    result = placed(LatentItem(column(4), 11, 0.5))
    assert result.extra == 1
    assert result.strength.flatten().tolist() == [0.5, 0, 0, 0, 0, 0]
    assert frames(result) == [11, *VIDEO_FRAMES]
    torch.testing.assert_close(result.tokens[0, 0], 0.5 * noise(1) + 2)
    assert result.video_tokens(result.tokens).flatten().tolist() == [0] * 5


def test_later_clip() -> None:
    """Of a later clip two latents are appended at frames s and s + 1; the others are in place from frame s/8 + 2."""
    result = placed(LatentItem(column(1, 2, 3, 4), 8, 1.0))
    assert result.extra == 2
    assert result.tokens.flatten().tolist() == [1, 2, 0, 0, 0, 3, 4]
    assert result.strength.flatten().tolist() == [1, 1, 0, 0, 0, 1, 1]
    assert frames(result) == [8, 9, *VIDEO_FRAMES]


def test_not_causal() -> None:
    """In the releases before 0.9.5 latent i of an appended clip lies at frame s + 8i."""
    result = placed(LatentItem(column(1, 2), 8, 1.0), grid=Grid(SHAPE, frame_rate=1.0, causal=False))
    assert frames(result) == [8, 16, 0, 8, 16, 24, 32]


def test_order() -> None:
    """In-context tokens come first, then items in their order, then the video; the start is left as it was."""
    start = column(0, 0, 0, 0, 0)
    reference = InContextTokens(torch.full((1, 1, 1), 9.0), torch.full((1, 3, 1), 5.0), 1.0)
    result = place(
        start,
        [LatentItem(column(3), 20, 1.0), LatentItem(column(1), 0, 1.0), LatentItem(column(2), 10, 1.0)],
        grid=GRID,
        generator=torch.Generator(),
        in_context=[reference],
    )
    assert result.tokens.flatten().tolist() == [9, 3, 2, 1, 0, 0, 0, 0]
    assert frames(result) == [5, 20, 10, *VIDEO_FRAMES]
    assert result.extra == 3
    assert not start.any()


def test_reference_video() -> None:
    """A reference lies at the places of the video's own tokens, clean; a shorter one has fewer, a larger is refused."""
    reference = reference_video(column(1, 2, 3, 4, 5), GRID)
    result = placed(in_context=(reference,))
    assert result.extra == 5
    assert frames(result) == VIDEO_FRAMES * 2
    assert result.strength.flatten().tolist() == [1] * 5 + [0] * 5
    short = placed(in_context=(reference_video(column(1, 2), GRID),))
    assert short.extra == 2 and frames(short) == [*VIDEO_FRAMES[:2], *VIDEO_FRAMES]
    for wrong in (column(1, 2, 3, 4, 5, 6), torch.zeros(1, 1, 5, 2, 1)):
        with pytest.raises(ValueError, match="expected a reference"):
            reference_video(wrong, GRID)


def test_one_item_for_all_samples() -> None:
    """An item of one row is placed in every sample."""
    items = [LatentItem(column(4), 0, 1.0), LatentItem(column(6), 9, 1.0)]
    result = place(torch.zeros(2, 1, 5, 1, 1), items, grid=GRID, generator=torch.Generator())
    assert result.tokens[..., 0].tolist() == [[6, 4, 0, 0, 0, 0]] * 2
    assert result.coordinates.shape == (2, 3, 6)


def test_refuses() -> None:
    """Items beyond the end, of another size, between latent frames or of a strength outside [0, 1] are refused."""
    with pytest.raises(ValueError, match="trim the item"):
        placed(LatentItem(column(1, 2), 32, 1.0))
    with pytest.raises(ValueError, match="expected conditioning latents of 1×1"):
        placed(LatentItem(torch.zeros(1, 1, 1, 2, 1), 0, 1.0))
    with pytest.raises(ValueError, match="multiple of 8"):
        LatentItem(column(1, 2), 4, 1.0)
    with pytest.raises(ValueError, match="strength"):
        LatentItem(column(1), 0, 1.5)
    with pytest.raises(ValueError, match="start frame"):
        LatentItem(column(1), -8, 1.0)


# Frames of the clip, its start, the video's frames; start and frames of what is used.
TRIMMED = [
    (17, 0, 41, 0, range(17)),
    (20, 16, 65, 16, range(17)),
    (20, 16, 30, 16, range(9)),
    (96, 0, 41, 0, range(41)),
    (25, 0, 20, 0, range(17)),
    (8, 0, 41, 0, range(1)),
    (8, 8, 41, 8, range(1)),
    (20, 16, 20, 16, range(1)),
    (25, 4, 41, 8, range(4, 21)),
    (9, 4, 41, 4, range(1)),
    (1, 11, 41, 11, range(1)),
]


@pytest.mark.parametrize(("count", "start", "video", "used_start", "used"), TRIMMED)
def test_trimmed(
    count: int, start: int, video: int, used_start: int, used: range, recwarn: pytest.WarningsRecorder
) -> None:
    """Clips lose what no latent can hold: behind the end, before a multiple of 8, beyond 8k+1; one warning says it."""
    pixels = torch.arange(count).div(128).view(1, 1, count, 1, 1).expand(1, 3, count, 4, 4)
    trimmed = ConditioningItem(pixels, start, 1.0).trimmed(video)
    assert trimmed.start == used_start
    assert trimmed.frames[0, 0, :, 0, 0].mul(128).tolist() == list(used)
    said = [str(warning.message) for warning in recwarn]
    assert len(said) == (len(used) < count)
    if said:
        assert f"of the {count} frames" in said[0]


def test_what_begins_behind_the_end_is_refused() -> None:
    """Nothing of it would be seen; the message names the last frame."""
    with pytest.raises(ValueError, match="below the 16 frames of the video, got 16; the last frame is 15"):
        ConditioningItem(torch.zeros(1, 3, 20, 4, 4), 16, 1.0).trimmed(16)
