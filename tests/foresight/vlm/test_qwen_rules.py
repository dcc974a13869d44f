"""Frame rates and sizes beside qwen-vl-utils' own rules, with stand-ins for torchvision, which its rules do not use."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from foresight.vlm.preprocess import Patching
from foresight.vlm.preprocessing_files import RELEASED

PATCHING = Patching(14, 2, 2)


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Their module, as it stands, without a torchvision that would have to read or resize anything."""
    pytest.importorskip("requests")
    names = ("torchvision", "torchvision.io", "torchvision.transforms")
    found = {name: ModuleType(name) for name in names}
    found["torchvision"].io, found["torchvision"].transforms = found[names[1]], found[names[2]]  # type: ignore[attr-defined]
    found["torchvision.transforms"].InterpolationMode = Any  # type: ignore[attr-defined]
    for name, module in found.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in [name for name in sys.modules if name.startswith("qwen_vl_utils")]:
        monkeypatch.delitem(sys.modules, name)
    rules = pytest.importorskip("qwen_vl_utils.vision_process")
    yield rules
    for name in [name for name in sys.modules if name.startswith("qwen_vl_utils")]:
        del sys.modules[name]


@pytest.mark.parametrize("size", [(64, 64), (360, 640), (480, 270), (1080, 1920), (2160, 3840)])
@pytest.mark.parametrize("frames", [4, 32, 768])
def test_frames_of_a_video_have_their_size(theirs: Any, size: tuple[int, int], frames: int) -> None:
    """Every frame gets the height and width of `fetch_video`, whose budget shrinks with the number of frames."""
    factor = PATCHING.factor
    low, most = theirs.VIDEO_MIN_TOKEN_NUM * factor**2, theirs.VIDEO_MAX_TOKEN_NUM * factor**2
    budget = theirs.MODEL_SEQ_LEN * factor**2 * 0.9 / frames * theirs.FRAME_FACTOR
    high = max(min(most, budget), int(low * 1.05))
    wanted = theirs.smart_resize(*size, factor=factor, min_pixels=low, max_pixels=high)
    assert RELEASED.size(frames, *size, PATCHING) == wanted


@pytest.mark.parametrize("rate", [2.0, 8.0, 24.0, 25.0, 30.0, 60.0])
@pytest.mark.parametrize("seconds", [1, 4, 30, 300])
def test_a_video_is_thinned_out_as_theirs(theirs: Any, rate: float, seconds: int) -> None:
    """As many frames a second, up to the pairs that they round to, and never more than they allow.

    Theirs are spread from the first frame to the last; here every n-th is taken, so that seconds between frames are
    exact. At 25 frames a second every 12th is taken, 2.08 a second.
    """
    total = round(seconds * rate)
    wanted = theirs.smart_nframes({}, total, rate) if total >= theirs.FRAME_FACTOR else total
    found = len(RELEASED.sample(total, rate).indices)
    assert abs(found - wanted) <= max(theirs.FRAME_FACTOR, 0.05 * wanted)


def test_a_long_video_is_cut_to_their_number_of_frames(theirs: Any) -> None:
    """Ten minutes come to at most 768 frames, of whole strides: never more than theirs, and more than half of them."""
    found = len(RELEASED.sample(600 * 30, 30.0).indices)
    assert theirs.smart_nframes({}, 600 * 30, 30.0) == theirs.FPS_MAX_FRAMES >= found > theirs.FPS_MAX_FRAMES / 2
