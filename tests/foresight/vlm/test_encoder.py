"""The Qwen encoder: transformers' own hidden states, whatever the frame rate, the batch or the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.prompts import NEXT

PUSH = "the red ball is pushed to the left"
STILL = "nothing is pushed"

# Of 2 to 8 frames at 4 a second: frames chosen from nine, and seconds between two times of two frames.
CHOSEN = {
    2.0: ([0, 2, 4, 6, 8], 2.0),
    4.0: ([0, 2, 4, 6, 8], 1.0),
    8.0: ([0, 2, 4, 6, 8], 0.5),
    24.0: ([2, 8], 0.5),
}


def patch_rows(video, indices):
    """Rows of 14×14 patches of frame pairs at 56×56, merged token by merged token, cut with plain loops."""
    pictures = ((video + 1) * 127.5).round().to(torch.uint8)[:, indices].transpose(0, 1)
    small = F.interpolate(pictures, (56, 56), mode="bicubic", antialias=True, align_corners=False).float()
    small = small / 127.5 - 1
    if len(small) % 2:
        small = torch.cat([small, small[-1:]])
    rows = []
    for time in range(0, len(small), 2):
        for row in (0, 2):
            for column in (0, 2):
                for y in (row, row + 1):
                    for x in (column, column + 1):
                        cut = small[time : time + 2, :, 14 * y : 14 * y + 14, 14 * x : 14 * x + 14]
                        rows.append(cut.transpose(0, 1).reshape(-1))
    return torch.stack(rows), [len(small) // 2, 4, 4]


@pytest.mark.parametrize("frame_rate", [2.0, 4.0, 8.0, 24.0])
def test_features_are_the_hidden_states_of_transformers(
    qwen: Callable[..., QwenEncoder], clip: Tensor, frame_rate: float
) -> None:
    """Embeddings and last states equal a plain forward pass over inputs built by hand, at every frame rate."""
    encoder = qwen(layers=[0, 2])
    indices, seconds = CHOSEN[frame_rate]
    pixels, grid = patch_rows(clip[:, :9], indices)
    tokenizer = encoder.tokenizer
    content = [{"type": "text", "text": PUSH + "\n"}, {"type": "video"}, {"type": "text", "text": "\n" + NEXT}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    text = text.replace("<|video_pad|>", "<|video_pad|>" * (grid[0] * 4))
    ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False)])
    types = 2 * (ids == tokenizer.convert_tokens_to_ids("<|video_pad|>")).long()
    with torch.no_grad():
        expected = encoder.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=types,
            pixel_values_videos=pixels,
            video_grid_thw=torch.tensor([grid]),
            second_per_grid_ts=torch.tensor([seconds]),
            output_hidden_states=True,
        ).hidden_states
    found = encoder.encode(clip[None, :, :9], [PUSH], frame_rate=frame_rate)
    assert found.tokens.shape == (1, 2, ids.shape[1], 32)
    assert torch.equal(found.vision, types > 0) and bool(found.mask.all())
    assert torch.allclose(found.tokens[:, 0], expected[0], atol=1e-5)
    assert torch.allclose(found.tokens[:, 1], expected[2], atol=1e-5)


def test_instructions_of_different_lengths_in_a_batch_equal_single_runs(
    qwen: Callable[..., QwenEncoder], clip: Tensor
) -> None:
    """Padding changes nothing: each row's states, up to its length, are those of the clip by itself."""
    encoder = qwen(layers=[1, 2])
    clips = torch.stack([clip[:, :9], clip[:, 8:17]])
    batch = encoder.encode(clips, [PUSH, STILL], frame_rate=8.0)
    lengths = batch.mask.sum(dim=1).tolist()
    assert lengths[0] != lengths[1]
    for row, instruction in enumerate([PUSH, STILL]):
        alone = encoder.encode(clips[row : row + 1], [instruction], frame_rate=8.0)
        kept = batch.mask[row]
        assert torch.allclose(batch.tokens[row][:, kept], alone.tokens[0], atol=1e-5)
        assert torch.equal(batch.vision[row][kept], alone.vision[0])
        assert torch.allclose(batch.coordinates[row][:, kept], alone.coordinates[0])
        assert torch.allclose(batch.patches[row], alone.patches[0], atol=1e-5)


def test_coordinates_say_where_and_when_a_vision_token_lies(qwen: Callable[..., QwenEncoder], clip: Tensor) -> None:
    """Rows and columns are centres of quarters of the picture, columns fastest; seconds are centres of frame pairs."""
    found = qwen().encode(clip[None, :, :9], [PUSH], frame_rate=8.0)
    seconds, rows, columns = found.coordinates[0][:, found.vision[0]]
    assert rows.tolist() == pytest.approx([16.0, 16.0, 48.0, 48.0] * 3)
    assert columns.tolist() == pytest.approx([16.0, 48.0] * 6)
    # Frames 0 and 2, 4 and 6, 8 twice; frame n is centred at (n + ½) / 8 seconds.
    assert seconds.tolist() == pytest.approx([0.1875] * 4 + [0.6875] * 4 + [1.0625] * 4)


def test_a_saved_encoder_gives_the_same_features(
    qwen: Callable[..., QwenEncoder], clip: Tensor, tmp_path: Path
) -> None:
    """After saving and loading, every feature is equal."""
    encoder = qwen(layers=[0, 2])
    encoder.save_pretrained(tmp_path)
    loaded = QwenEncoder.from_pretrained(tmp_path, layers=[0, 2])
    before = encoder.encode(clip[None, :, :9], [PUSH], frame_rate=8.0)
    after = loaded.encode(clip[None, :, :9], [PUSH], frame_rate=8.0)
    assert loaded.preprocessing == encoder.preprocessing and loaded.layers == encoder.layers
    assert torch.allclose(before.tokens, after.tokens, atol=1e-6)
    assert torch.allclose(before.patches, after.patches, atol=1e-6)
    assert torch.equal(before.coordinates, after.coordinates)


def test_frames_that_are_not_finite_are_refused(qwen: Callable[..., QwenEncoder], clip: Tensor) -> None:
    """One NaN in a clip is an error that says so."""
    broken = clip[None, :, :9].clone()
    broken[0, 0, 3, 5, 5] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        qwen().encode(broken, [PUSH], frame_rate=8.0)


@pytest.mark.parametrize("instructions", [[], [PUSH, STILL], PUSH])
def test_every_clip_needs_one_instruction(qwen: Callable[..., QwenEncoder], clip: Tensor, instructions: Any) -> None:
    """Too few, too many and one bare string are errors."""
    with pytest.raises(ValueError, match="instruction"):
        qwen().encode(clip[None, :, :9], instructions, frame_rate=8.0)


def test_a_clip_of_which_nothing_is_told_is_seen_alone(qwen: Callable[..., QwenEncoder], clip: Tensor) -> None:
    """An empty instruction is shorter than any other, and says the same as one of blanks."""
    frames, encoder = clip[None, :, :9], qwen()
    told, untold, blank = (encoder.encode(frames, [text], frame_rate=8.0) for text in (PUSH, "", "  "))
    assert untold.mask.sum() < told.mask.sum()
    torch.testing.assert_close(untold.tokens, blank.tokens)


def test_layers_count_from_either_end(qwen: Callable[..., QwenEncoder]) -> None:
    """Of two layers there are three states: 0, 1, 2 are −3, −2, −1; there is no 3, no −4, and not none of them."""
    assert qwen(layers=[0, 1, 2]).layers == qwen(layers=[-3, -2, -1]).layers == (0, 1, 2)
    for layers in ([3], [-4], []):
        with pytest.raises(ValueError, match="layers from -3 to 2"):
            qwen(layers=layers)
