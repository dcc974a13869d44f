"""Videos side by side and sheets of stills: which frame stands where, worked out by hand from plain grey frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from foresight.report import contact_sheet, side_by_side
from foresight.report.panels import FAINT, GIVEN, IMAGINED, INK, PAPER

# Frames of 64 pixels are shown three times as large, so that a panel is at least 160 wide; margins are 8.
PANEL, STEP = 192, 200


def greys(*levels: float) -> Tensor:
    """A video of one frame per level."""
    return torch.tensor(levels, dtype=torch.float32)[None, :, None, None].expand(3, -1, 64, 64)


def shown(film: Tensor) -> np.ndarray:
    """(frame, panel): the level in the middle of each panel."""
    panels = (film.shape[3] - 8) // STEP
    return np.array(
        [[frame[0, 24 + PANEL // 2, 8 + STEP * k + PANEL // 2] for k in range(panels)] for frame in film.unbind(1)]
    )


def test_each_panel_shows_its_frames() -> None:
    """Two given frames everywhere and a black difference; then the last given one, what happened and then grey, the
    prediction, and twice |predicted − observed| from black, at most white."""
    film = side_by_side(greys(-0.8, -0.4), greys(0.2, 0.5, 0.7), greys(0.1, -0.9), frame_rate=8)
    expected = [
        [-0.8, -0.8, -0.8, -1.0],
        [-0.4, -0.4, -0.4, -1.0],
        [-0.4, 0.1, 0.2, -0.8],
        [-0.4, -0.9, 0.5, 1.0],
        [-0.4, 0.0, 0.7, 0.0],
    ]
    assert shown(film) == pytest.approx(np.array(expected), abs=0.01)
    assert film.shape == (3, 5, 248, 8 + 4 * STEP)


def test_without_an_observation_there_is_nothing_to_differ_from() -> None:
    """Context and prediction alone."""
    assert shown(side_by_side(greys(-0.8), greys(0.2), None, frame_rate=8)) == pytest.approx(
        np.array([[-0.8, -0.8], [-0.8, 0.2]]), abs=0.01
    )


def test_the_bar_tells_given_from_imagined() -> None:
    """Of four stretches as many are coloured as frames have passed: blue for the two given ones, then orange."""
    film = side_by_side(greys(0, 0), greys(0, 0), None, frame_rate=8)
    left, right = 8, film.shape[3] - 8 - 64
    middles = [round(left + (right - left) * (cell + 0.5) / 4) for cell in range(4)]
    for index in range(4):
        row = ((film[:, index, 24 + PANEL + 8 + 7] + 1) * 127.5).round().int().T
        passed = [GIVEN, GIVEN, IMAGINED, IMAGINED][: index + 1]
        colours = [tuple(row[middle].tolist()) for middle in middles]
        assert colours[: index + 1] == passed and not {GIVEN, IMAGINED} & set(colours[index + 1 :])


def test_sizes_and_lengths_must_fit() -> None:
    """An observation as long as the prediction fits; a longer one does not, nor another size, nor none at all."""
    side_by_side(greys(0), greys(0, 0), greys(0, 0), frame_rate=8)
    for observed in (greys(0, 0, 0), greys()):
        with pytest.raises(ValueError, match="1 to 2 observed"):
            side_by_side(greys(0), greys(0, 0), observed, frame_rate=8)
    with pytest.raises(ValueError, match="one size"):
        side_by_side(greys(0)[..., :32], greys(0), None, frame_rate=8)


def test_a_column_of_stills_is_one_moment(tmp_path: Path) -> None:
    """Of five frames three columns show the first, the third and the last; a video of three has no last one."""
    contact_sheet(
        tmp_path / "sheet.png",
        {"long": greys(-0.8, -0.4, 0.0, 0.4, 0.8), "short": greys(-0.6, -0.2, 0.2)},
        frame_rate=8,
        columns=3,
    )
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    # Frames of 64 pixels are twice as large, 128, with margins of 8 and a line of 18 for their times.
    left = sheet.shape[1] - 3 * 136
    cells = [[sheet[8 + row * 154 + 64, left + column * 136 + 64] for column in range(3)] for row in range(2)]
    levels = [[float(cell[0]) / 127.5 - 1 for cell in row] for row in cells]
    assert levels[0] == pytest.approx([-0.8, 0.0, 0.8], abs=0.01)
    assert levels[1][:2] == pytest.approx([-0.6, 0.2], abs=0.01) and tuple(cells[1][2]) == PAPER
    assert sheet.shape[0] == 8 + 2 * 154
    # Below every picture stands its time.
    assert all(bool((sheet[8 + 128 + 2 : 8 + 146, left + 136 * k : left + 136 * k + 40] < 200).any()) for k in range(3))


def test_a_sheet_needs_a_row_and_two_columns(tmp_path: Path) -> None:
    """First and last frame are always there: one column cannot show them."""
    contact_sheet(tmp_path / "sheet.png", {"a": greys(0)}, frame_rate=8, columns=2)
    for rows, columns in (({}, 8), ({"a": greys(0)}, 1)):
        with pytest.raises(ValueError, match="two columns"):
            contact_sheet(tmp_path / "sheet.png", rows, frame_rate=8, columns=columns)


def test_the_clock_counts_from_the_last_given_frame() -> None:
    """The first imagined frame of 8 a second and the second of 16 are both an eighth of a second ahead; the last given
    one is at 0 whatever the rate."""
    slow, fast = (side_by_side(greys(0, 0), greys(0, 0), None, frame_rate=rate) for rate in (8, 16))
    clock = slice(24 + PANEL + 8, None), slice(-8 - 64 + 1, None)
    assert torch.equal(slow[:, 2, *clock], fast[:, 3, *clock]) and torch.equal(slow[:, 1, *clock], fast[:, 1, *clock])
    assert not torch.equal(slow[:, 3, *clock], fast[:, 3, *clock])


class Pen:
    """Stands in for a drawing and keeps what is drawn: texts with place and colour, rectangles with corners."""

    def __init__(self, _: Image.Image) -> None:
        self.drawn: list[tuple[object, ...]] = []
        PENS.append(self)

    def text(self, place: tuple[float, float], text: str, colour: tuple[int, ...], *_: object, **__: object) -> None:
        self.drawn.append((place, text, colour))

    def rectangle(self, corners: tuple[float, ...], colour: tuple[int, ...]) -> None:
        self.drawn.append((corners, colour))


PENS: list[Pen] = []


@pytest.fixture
def pens(monkeypatch: pytest.MonkeyPatch) -> list[Pen]:
    """One for each picture that is drawn."""
    PENS.clear()
    monkeypatch.setattr(ImageDraw, "Draw", Pen)
    return PENS


@pytest.mark.parametrize(
    ("index", "colour", "given", "imagined", "clock"),
    [(0, INK, 90, None, "-0.12 s"), (1, INK, 172, None, "+0.00 s"), (3, IMAGINED, 172, 336, "+0.25 s")],
)
def test_titles_bar_and_clock_have_their_places(
    pens: list[Pen], index: int, colour: tuple[int, ...], given: int, imagined: int | None, clock: str
) -> None:
    """Titles stand at the left of their panels in the middle of 24 rows, the predicted one in orange once it is
    imagined; of 4 stretches of 82 the passed ones are coloured, 5 to 9 rows below the panels and a margin."""
    side_by_side(greys(0, 0), greys(0, 0), None, frame_rate=8)
    bars = [((8, 229, 336, 233), (222, 222, 218)), ((8, 229, given, 233), GIVEN)]
    bars += [((given, 229, imagined, 233), IMAGINED)] if imagined is not None else []
    titles = [((8, 12), "context", INK), ((208, 12), "predicted", colour)]
    assert pens[index].drawn == [*titles, *bars, ((400, 231), clock, INK)]


def test_films_have_even_heights() -> None:
    """Of 65 rows, three times as large, 24 + 195 + 32 = 251 become 252; a panel of 160 pixels is not enlarged."""
    tall = torch.zeros(3, 1, 65, 64)
    assert side_by_side(tall, tall, None, frame_rate=8).shape[2] == 252
    wide = torch.zeros(3, 1, 64, 160)
    assert side_by_side(wide, wide, None, frame_rate=8).shape[2:] == (24 + 64 + 32, 8 + 2 * 168)


def test_stills_have_labels_and_times(pens: list[Pen], tmp_path: Path) -> None:
    """A row's label stands in the middle of its height, and 2 below each still the seconds at which it is shown."""
    rows = {"long": greys(0, 0, 0, 0, 0), "longer": greys(0, 0, 0)}
    contact_sheet(tmp_path / "sheet.png", rows, frame_rate=8, columns=3)
    left = 16 + round(ImageFont.load_default(13).getlength("longer"))
    assert pens[0].drawn == [
        ((8, 8 + 64), "long", INK),
        ((left, 8 + 130), "0.00 s", FAINT),
        ((left + 136, 8 + 130), "0.25 s", FAINT),
        ((left + 272, 8 + 130), "0.50 s", FAINT),
        ((8, 162 + 64), "longer", INK),
        ((left, 162 + 130), "0.00 s", FAINT),
        ((left + 136, 162 + 130), "0.25 s", FAINT),
    ]
    assert Image.open(tmp_path / "sheet.png").size == (left + 3 * 136, 8 + 2 * 154)
