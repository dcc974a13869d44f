"""Figures: where lines, bars and pictures stand, worked out by hand, and what is said of them."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from foresight.metrics.statistics import Estimate
from foresight.plots import (
    Figure,
    conditioning_by_noise,
    error_over_spread,
    film_strip,
    loop_strip,
    planning_strip,
    reliability_diagram,
    risk_coverage,
    roc_curves,
    skill_by_frame,
    spread_and_error,
    strata_grid,
    surprise_timeline,
    training_curves,
)
from foresight.plots.axes import Axis, Line, line_figure, round_ticks
from foresight.plots.loop_strip import ShownAttempt
from foresight.plots.pictures import heat, moments
from foresight.plots.planning import ShownPlan
from foresight.plots.reliability import wilson
from foresight.plots.roc import roc
from foresight.plots.surprise import Stretch


def grey(*levels: float) -> Tensor:
    """A video of 2×2 pixels, one level in [−1, 1] per frame."""
    return torch.tensor(levels)[None, :, None, None].expand(3, -1, 2, 2)


def pixels(figure: Figure) -> list[list[int]]:
    """First pixel of each picture."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', figure.svg)
    return [list(Image.open(BytesIO(base64.b64decode(one))).getpixel((0, 0))) for one in found]


def figures() -> list[Figure]:
    """One of each."""
    video, errors = grey(0.0, 0.5, 1.0), np.array([[1.0, 2.0], [3.0, 4.0]])
    right = np.array([True, False])
    attempt = ShownAttempt("first", video, 0.5, "accept", True)
    return [
        film_strip(video, {"prediction": video}, video, frame_rate=8),
        spread_and_error(torch.stack([video, -video]), video, frame_rate=8),
        skill_by_frame({"prediction": errors}, errors * 2, frame_rate=8),
        error_over_spread(errors, errors, candidates=4, frame_rate=8),
        roc_curves({"verifier": np.array([1.0, 0.0])}, right),
        reliability_diagram(np.array([0.9, 0.1]), right),
        risk_coverage({"verifier": np.array([0.4, 0.4])}, {"verifier": right}),
        strata_grid({"small": Estimate(0.8, 0.7, 0.9, 5)}),
        conditioning_by_noise(errors, {"another": errors * 2}, [0.1, 0.9]),
        loop_strip([attempt], video, frame_rate=8),
        surprise_timeline([Stretch(0.0, 1.0, 2.0, True)], threshold=1.0),
        planning_strip(ShownPlan(video[:, 0], video[:, 2], {"0": video}, {"0": 1.0}, video), frame_rate=8),
        training_curves({"loss": [(1, 2.0), (2, 1.0)]}),
    ]


@pytest.mark.parametrize("number", range(13))
def test_a_figure_is_whole_in_itself(number: int, tmp_path: Path) -> None:
    """It is SVG that a parser reads, described in words, loads nothing, and is the same in a notebook and a file."""
    figure = figures()[number]
    root = ElementTree.fromstring(figure.svg)
    assert root.get("aria-label") == figure.alt and len(figure.alt) > 20
    assert "http" not in figure.svg.replace("http://www.w3.org/2000/svg", "") and "prefers-color-scheme" in figure.svg
    figure.save(tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text(encoding="utf-8") == figure.svg == figure._repr_html_()
    assert len(repr(figure)) < 500


def test_words_in_a_figure_stay_words() -> None:
    """Names and titles may hold anything."""
    figure = line_figure("<a>", [Line("<b>", [0, 1], [0, 1])], Axis("<c>"), Axis("<d>"), alt='"<e>')
    assert not re.search(r"<[bce]>", figure.svg) and ElementTree.fromstring(figure.svg).get("aria-label") == '"<e>'


def test_points_stand_where_their_values_are() -> None:
    """Axes from 46 to 388 and 190 high, below 18 without a legend: ¼ of the way across is 131.5, ½ up is 113."""
    figure = line_figure("", [Line("", [0.0, 1.0, 4.0], [0.0, 2.0, 4.0])], Axis("", 0, 4), Axis("", 0, 4), alt="")
    assert ' d="M46.0 208.0L131.5 113.0L388.0 18.0"' in figure.body


def test_a_gap_parts_a_line_and_a_band_goes_round() -> None:
    """What is no number is left out; a band's upper edge goes forth, its lower one back."""
    line = Line("", [0.0, 1.0, 2.0], [1.0, np.nan, 1.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0])
    figure = line_figure("", [line], Axis("", 0, 2), Axis("", 0, 2), alt="")
    assert ' d="M46.0 113.0M388.0 113.0"' in figure.body
    assert 'points="46.0,18.0 217.0,18.0 388.0,18.0 388.0,208.0 217.0,208.0 46.0,208.0"' in figure.body


def test_series_differ_without_colour() -> None:
    """Each of six has dashes of its own, in the legend as in the picture."""
    lines = [Line(str(number), [0, 1], [number, number]) for number in range(6)]
    dashes = re.findall(
        r'class="line s\d" stroke-dasharray="([^"]*)"', line_figure("", lines, Axis(""), Axis(""), alt="").body
    )
    assert len(dashes) == 12 and dashes[:6] == dashes[6:] and len(set(dashes)) == 6


def test_a_long_legend_goes_on_below() -> None:
    """Names that do not fit into a row take another, and the picture moves down by 16."""
    short, long = (
        line_figure("", [Line(name * 24, [0, 1], [0, 1]) for name in names], Axis(""), Axis(""), alt="")
        for names in ("ab", "abc")
    )
    assert long.height - short.height == 16


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.3, 1.0, [-0.5, 0, 0.5, 1.0]),
        (3.0, 3.0, [3.0, 4.0, 5.0, 6.0]),
        (0.0, 250.0, [0, 50, 100, 150, 200, 250]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    """They reach from below the lowest to above the highest value."""
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_the_difference_is_that_of_the_first_prediction() -> None:
    """Rows are truth, predictions, difference; of grey 0 and 1 it is half the range, drawn white."""
    figure = film_strip(grey(-1.0), {"a": grey(0.0, 1.0), "b": grey(-1.0, -1.0)}, grey(0.0, 0.0), frame_rate=8)
    black, middle, white = [0, 0, 0], [128, 128, 128], [255, 255, 255]
    assert pixels(figure) == [black, middle, middle, black, middle, white, black, black, black, black, white]
    assert "from 0.000 to 0.500" in figure.alt and "+0.12 s" in figure.svg and "+0.25 s" in figure.svg


def test_without_an_observation_only_predictions_are_shown() -> None:
    """Nothing is compared."""
    assert len(pixels(film_strip(grey(-1.0), {"a": grey(0.0, 1.0)}, None, frame_rate=8))) == 3


def test_spread_and_error_share_a_scale() -> None:
    """Candidates at 0 and 1 spread by 0.354 of the range, the deviation of ½ and 1; their mean of ¾ is off by ¼."""
    figure = spread_and_error(torch.stack([grey(0.0), grey(1.0)]), grey(0.0), frame_rate=8)
    assert "candidates, 0.354 of the range on average, and error of their mean, 0.250; white is 0.35" in figure.alt
    assert pixels(figure)[1] == [255, 255, 255] != pixels(figure)[2]


def test_lightness_of_a_map_grows_with_its_value() -> None:
    """Black at 0, white at the highest and above, ever lighter between."""
    values = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 7.0])[:, None, None]
    light = [int(one.astype(int).sum()) for one in heat(values, range(6), 1.0) if one is not None]
    assert light[0] == 0 and light[-2:] == [765, 765] and light == sorted(light) and len(set(light)) == 5


def test_moments_hold_both_ends() -> None:
    """Evenly spaced; few frames are all shown."""
    assert moments(16, 4) == [0, 5, 10, 15] and moments(3, 6) == [0, 1, 2] and moments(1, 6) == [0]


def test_skill_is_of_means_over_clips() -> None:
    """Errors of half and a quarter of the reference's are skills of 0.5 and 0.75."""
    reference = np.array([[1.0, 4.0], [3.0, 4.0]])
    figure = skill_by_frame({"prediction": reference * [0.5, 0.25]}, reference, frame_rate=8)
    assert "prediction goes from 0.50 to 0.75" in figure.alt and "on 2 clips" in figure.alt


def test_honest_candidates_have_a_ratio_of_one_and_a_share() -> None:
    """Of 4 candidates the mean's error is 1 + ¼ of their variance, where the dashed line is."""
    errors = np.array([[5.0, 2.5], [5.0, 2.5]])
    figure = error_over_spread(errors, errors / 2.5, candidates=4, frame_rate=8)
    assert "from 2.5 to 2.5" in figure.alt and "1.25, the dashed line" in figure.alt


def test_roc_by_hand() -> None:
    """Of right 3, 1 and wrong 2, 1: one right kept, then a wrong one, then the tie of both at once."""
    false, true = roc(np.array([3.0, 1.0, 2.0, 1.0]), np.array([True, True, False, False]))
    assert false.tolist() == [0, 0, 0.5, 1] and true.tolist() == [0, 0.5, 0.5, 1]
    figure = roc_curves({"v": np.array([3.0, 1.0, 2.0, 1.0])}, np.array([True, True, False, False]))
    assert "v 0.625" in figure.alt


def test_wilson_by_hand() -> None:
    """None of ten: from 0 to z²/(n + z²) = 0.278; shares mirror each other."""
    low, high = wilson(0, 10)
    assert low == pytest.approx(0) and high == pytest.approx(0.2775, abs=1e-4)
    assert wilson(10, 10) == pytest.approx((1 - high, 1 - low))


def test_reliability_is_of_equally_filled_bins() -> None:
    """Two bins: 0.2 stated and one of two right, 0.9 stated and both right: off by 0.3 and 0.1, 0.2 on average."""
    figure = reliability_diagram(np.array([0.9, 0.1, 0.9, 0.3]), np.array([True, True, True, False]), bins=2)
    assert "in 2 bins" in figure.alt and "differ by 0.200" in figure.alt


def test_risk_is_that_of_the_surest() -> None:
    """Ten decisions, the three least sure wrong: none of the surer half errs, three tenths of all."""
    figure = risk_coverage({"v": np.arange(10.0)}, {"v": np.arange(10) >= 3})
    assert "v errs in 0.0% of the surer half, 30.0% of all" in figure.alt


def test_a_stratum_that_reaches_chance_is_marked() -> None:
    """By another colour and a word, and the weakest is named."""
    figure = strata_grid({"small": Estimate(0.9, 0.8, 1.0, 5), "large": Estimate(0.6, 0.4, 0.8, 5)})
    assert "weakest is large with 0.60 [0.40, 0.80]" in figure.alt
    assert re.findall(r'circle class="f(\d)"', figure.body) == ["1", "4"] and figure.body.count("chance?") == 1


def test_gains_are_in_percent() -> None:
    """Half the loss is a gain of 50 %."""
    losses = np.array([[1.0, 1.0], [3.0, 1.0]])
    assert (
        "over none it is largest at σ = 0.1, 50.0%"
        in conditioning_by_noise(losses, {"none": losses * 2}, [0.1, 0.9]).alt
    )


def test_the_loop_says_what_was_taken() -> None:
    """Probability per attempt as a bar: 316 is the whole."""
    video = grey(0.0, 0.5)
    attempts = [ShownAttempt("a", video, 0.25, "reject", False), ShownAttempt("b", video, 0.75, "accept", True)]
    figure = loop_strip(attempts, video, frame_rate=8)
    assert "being right: 25%, 75%; attempt 2 was taken" in figure.alt and len(pixels(figure)) == 6
    assert re.findall(r'<rect class="f\d" [^>]*width="([\d.]+)"', figure.body) == ["79.0", "237.0"]
    nothing = loop_strip([ShownAttempt("a", video, None, "", False)], None, frame_rate=8)
    assert "not judged; none was taken" in nothing.alt


def test_events_are_marked_where_they_begin() -> None:
    """Two neighbouring events are one mark; bars stand on 210, the highest value of 4 is 190 high."""
    stretches = [Stretch(float(i), i + 1.0, surprise, surprise > 3) for i, surprise in enumerate((1.0, 4.0, 4.0, 0.0))]
    figure = surprise_timeline(stretches, threshold=3.0)
    assert figure.body.count("▼") == 1 and "2 of them above the threshold of 3, the first at 1.0 s" in figure.alt
    assert re.findall(r'rect class="f(\d)" .*?height="([\d.]+)"', figure.body) == [
        ("1", "47.5"), ("0", "190.0"), ("0", "190.0"), ("1", "0.0")
    ]  # fmt: skip
    assert "none is marked" in surprise_timeline(stretches, threshold=None).alt


def test_the_nearest_plan_is_stressed() -> None:
    """By its distance, whatever its place; the goal stands in the last column of each row."""
    videos = {"first": grey(0.0, 0.0), "second": grey(0.0, 1.0)}
    plan = ShownPlan(grey(-1.0)[:, 0], grey(1.0)[:, 0], videos, {"first": 2.0, "second": 0.5})
    figure = planning_strip(plan, frame_rate=8)
    assert figure.alt.endswith("Nearest: second.") and '<text class="strong" x="8" y="' in figure.body
    assert [pixels(figure)[index] for index in (3, 7)] == [[255] * 3, [255] * 3]


def test_training_is_averaged_over_what_came_before() -> None:
    """4, 2, 0 over two are 4, 3, 1; a metric without values is left out."""
    figure = training_curves({"loss": [(1, 4.0), (2, 2.0), (3, 0.0)], "none": []}, smooth=2)
    assert figure.alt == "Over steps: loss from 4 to 1."


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: film_strip(grey(0.0), {}, None, frame_rate=8), "at least one prediction"),
        (lambda: spread_and_error(grey(0.0)[None], grey(0.0), frame_rate=8), "at least two candidates, got 1"),
        (lambda: roc_curves({}, np.array([True])), "both labels, got 1 right of 1"),
        (lambda: reliability_diagram(np.array([]), np.array([])), "at least one example"),
        (lambda: risk_coverage({"a": np.ones(1)}, {}), "outcomes of a"),
        (lambda: strata_grid({}), "at least one stratum"),
        (lambda: loop_strip([], None, frame_rate=8), "at least one attempt"),
        (lambda: surprise_timeline([], threshold=None), "at least one stretch"),
        (lambda: planning_strip(ShownPlan(grey(0.0)[:, 0], grey(0.0)[:, 0], {}, {}), frame_rate=8), "a cost for each"),
        (lambda: training_curves({"a": []}), "at least one series"),
        (
            lambda: line_figure("t", [Line("a", [0], [np.nan])], Axis(""), Axis(""), alt=""),
            "value for 't', got 1",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any, words: str) -> None:
    """In a sentence with what came."""
    with pytest.raises(ValueError, match=words):
        draw()
