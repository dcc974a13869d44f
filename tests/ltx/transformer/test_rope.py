"""The rotary table and the rotation."""

import math

import pytest
import torch

from ltx.transformer.rope import rotate, rotate_, rotation_table

LIMITS = (20.0, 2048.0, 2048.0)

# Width 32, coordinates (0.32 s, 64, 96): five frequencies, each for seconds, rows and columns.
COSINES = [
    *(0.050244, 0.098017, 0.146730, -0.876307, -0.555571, -0.098017, 0.309016, -0.923882, -0.555564),
    *(1.000000, -0.707125, -0.923876, 1.000000, 0.000257, -0.707046),
]
SINES = [
    *(-0.998737, -0.995185, -0.989177, -0.481753, -0.831469, -0.995185, -0.951057, -0.382678, 0.831473),
    *(-0.000039, -0.707089, 0.382691, -0.000150, 1.000000, 0.707167),
]


def table(*position: float, width: int = 32) -> torch.Tensor:
    return rotation_table(torch.tensor(position)[None, :, None], width=width, theta=10_000.0, max_positions=LIMITS)


def test_golden_values() -> None:
    """The table of width 32 at (0.32 s, 64, 96) is the released one, frequency by frequency, axis by axis."""
    got = table(0.32, 64, 96)[0, 0]
    assert got[0].tolist() == [1, 0]
    torch.testing.assert_close(got[1:, 0], torch.tensor(COSINES), atol=2e-6, rtol=0)
    torch.testing.assert_close(got[1:, 1], torch.tensor(SINES), atol=2e-6, rtol=0)


@pytest.mark.parametrize(("width", "still"), [(32, 1), (48, 0), (40, 2), (2048, 1), (4096, 2)])
def test_channels_left_over_come_first_and_do_not_turn(width: int, still: int) -> None:
    """width % 6 channels cannot be shared by three axes: they lie in front, with cosine 1 and sine 0."""
    got = table(3.0, 700.0, 900.0, width=width)[0, 0]
    assert got.shape == (width // 2, 2)
    assert torch.equal(got[:still], torch.tensor([[1.0, 0.0]]).expand(still, 2))
    assert not torch.equal(got[still], torch.tensor([1.0, 0.0]))


def test_frequencies_run_from_a_quarter_turn_to_ten_thousand() -> None:
    """The lowest and the highest frequency are π/2 and 5000π times 2u − 1."""
    got = table(5.0, 1024.0, 1024.0, width=48)[0, 0]
    torch.testing.assert_close(got[0], torch.tensor([math.cos(-math.pi / 4), math.sin(-math.pi / 4)]))
    assert got[-1].tolist() == [1, 0]  # u = 1/2
    highest = got[-3].double()  # seconds, 5000π·(−1/2): a whole number of turns
    torch.testing.assert_close(highest, torch.tensor([1.0, 0.0]).double(), atol=2e-3, rtol=0)


def test_positions_beyond_the_maximum_go_on() -> None:
    """Coordinates are not clamped: 40 s turn the lowest frequency by 3π/2."""
    got = table(40.0, 1024.0, 1024.0, width=48)[0, 0, 0]
    torch.testing.assert_close(got, torch.tensor([0.0, -1.0]), atol=1e-6, rtol=0)


def test_rotation_by_hand() -> None:
    """Adjacent pairs (x₀, x₁) become (x₀ cos − x₁ sin, x₁ cos + x₀ sin)."""
    angles = torch.tensor([0.3, -1.2])
    turned = rotate(torch.tensor([[[1.0, 2.0, -3.0, 0.5]]]), torch.stack((angles.cos(), angles.sin()), -1)[None, None])
    expected = [
        math.cos(0.3) - 2 * math.sin(0.3),
        2 * math.cos(0.3) + math.sin(0.3),
        -3 * math.cos(1.2) + 0.5 * math.sin(1.2),
        0.5 * math.cos(1.2) + 3 * math.sin(1.2),
    ]
    torch.testing.assert_close(turned[0, 0], torch.tensor(expected))


def test_rotation_keeps_lengths_and_dtype() -> None:
    """A rotation changes no norm, and half precision comes back as it went in."""
    torch.manual_seed(0)
    vectors = torch.randn(2, 1, 48)
    rotation = table(3.0, 96.0, 128.0, width=48)
    torch.testing.assert_close(rotate(vectors, rotation).norm(dim=-1), vectors.norm(dim=-1))
    assert rotate(vectors.bfloat16(), rotation).dtype == torch.bfloat16


def test_rotation_in_place_is_the_same() -> None:
    """In the memory of the vectors, several parts at once, to the last bit."""
    torch.manual_seed(0)
    parts, rotation = torch.randn(2, 3, 1, 48), table(3.0, 96.0, 128.0, width=48)
    expected = rotate(parts, rotation)
    turned = rotate_(parts, rotation)
    assert torch.equal(turned, expected) and turned.data_ptr() == parts.data_ptr()


def test_only_differences_of_positions_matter() -> None:
    """Products of rotated queries and keys depend on how far apart they are, not on where."""
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 1, 48)
    products = []
    for start in (0.0, 4.0):
        one, other = table(1 + start, 32, 64, width=48), table(3 + start, 64, 32, width=48)
        products.append((rotate(query, one) * rotate(key, other)).sum())
    torch.testing.assert_close(products[0], products[1], atol=2e-2, rtol=0)
