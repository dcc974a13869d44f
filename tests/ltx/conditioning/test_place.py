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
    """A reference lies at the places of the video's own tokens, clean; another size is refused."""
    reference = reference_video(column(1, 2, 3, 4, 5), GRID)
    result = placed(in_context=(reference,))
    assert result.extra == 5
    assert frames(result) == VIDEO_FRAMES * 2
    assert result.strength.flatten().tolist() == [1] * 5 + [0] * 5
    with pytest.raises(ValueError, match="expected a reference"):
        reference_video(column(1, 2), GRID)


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


def test_trimmed() -> None:
    """Clips are cut to the video's end and then to 8k + 1 frames."""
    clip = ConditioningItem(torch.zeros(1, 3, 20, 4, 4), 16, 1.0)
    assert clip.trimmed(65).frames.shape[2] == 17
    assert clip.trimmed(30).frames.shape[2] == 9
    with pytest.raises(ValueError, match="at least 9 frames"):
        clip.trimmed(20)
    with pytest.raises(ValueError, match="expected a start below"):
        clip.trimmed(16)
