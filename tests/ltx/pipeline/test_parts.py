"""Which text encoder, upsampler and preset a checkpoint is read with."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ltx.checkpoint.identity import Identity
from ltx.numerals import number, whole
from ltx.pipeline import find_preset
from ltx.pipeline import parts as module
from ltx.pipeline.parts import TextPlace, check_parts, read_upsampler
from ltx.pipeline.released import preset_of
from ltx.text.files import PUBLISHED

REST: dict[str, Any] = {"dtype": None, "device": "cpu"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which upsamplers are read."""
    found: list[str] = []
    monkeypatch.setattr(module, "_upsampler", lambda where, *_: (found.append(str(where)), {}))
    return found


def test_where_words_are_read(tmp_path: Path) -> None:
    """What is named, the published one for a file, the checkpoint's own; of a folder without one none."""
    file, bare, whole_one = tmp_path / "a.safetensors", tmp_path / "bare", tmp_path / "whole"
    file.touch()
    bare.mkdir()
    (whole_one / "text_encoder").mkdir(parents=True)
    assert TextPlace.of(file, file, None, "v1") == TextPlace(PUBLISHED, None)
    assert TextPlace.of(file, file, "someone/t5", "v1") == TextPlace("someone/t5", None)
    assert TextPlace.of("someone/model", bare, None, "v1") == TextPlace("someone/model", "v1")
    assert TextPlace.of(bare, bare, None, None) is None
    assert TextPlace.of(whole_one, whole_one, None, None) == TextPlace(whole_one, None)


def test_where_an_upsampler_is_read(asked: list[str], tmp_path: Path) -> None:
    """The one that is named, the folder's own, the preset's; where nobody names one there is none."""
    plain, two = find_preset("plain"), find_preset("ltxv-13b-0.9.8-dev")
    assert read_upsampler(tmp_path, plain, named=None, **REST) == (None, {}) and not asked
    read_upsampler(tmp_path, plain, named="mine", **REST)
    assert two.refinement is not None
    read_upsampler(tmp_path, two, named=None, **REST)
    (tmp_path / "latent_upsampler").mkdir()
    read_upsampler(tmp_path, two, named=None, **REST)
    read_upsampler(tmp_path, two, named="mine", **REST)
    own = str(tmp_path / "latent_upsampler")
    assert asked == ["mine", two.refinement.upsampler, own, "mine"]


def test_channels_of_all_parts_are_one_number() -> None:
    """Each part that differs is enough; without an upsampler two parts are compared."""

    def parts(transformer: int, vae: int, upsampler: int | None) -> tuple[Any, ...]:
        enlarge = None if upsampler is None else SimpleNamespace(config=SimpleNamespace(in_channels=upsampler))
        inside = SimpleNamespace(config=SimpleNamespace(in_channels=transformer, caption_channels=4))
        return inside, SimpleNamespace(config=SimpleNamespace(latent_channels=vae)), None, enlarge

    for sizes in ((8, 4, None), (8, 8, 4), (8, 4, 8)):
        with pytest.raises(ValueError, match="equally many latent channels"):
            check_parts(*parts(*sizes))
    check_parts(*parts(8, 8, None))
    check_parts(*parts(8, 8, 8))


def test_presets_of_what_is_known() -> None:
    """What is noted; what all that fit share; else what is distilled for sure, or plain, with a word."""
    with warnings.catch_warnings(action="error"):
        assert preset_of(Identity(), "plain", "x").name == "plain"
        shared = Identity(choices=("ltx-video-2b-0.9.5", "ltxv-2b-0.9.6-dev"))
        assert preset_of(shared, None, "x").name == "ltxv-2b-0.9.6-dev"
    for identity, name in (
        (Identity(choices=("ltx-video-2b-0.9.5",)), "plain"),
        (Identity(choices=("ltxv-2b-0.9.8-distilled",), distilled=True), "distilled"),
        (Identity(choices=("ltx-video-2b-0.9.5", "ltxv-2b-0.9.8-distilled")), "plain"),
    ):
        with pytest.warns(UserWarning, match="x does not say which release it is") as told:
            assert preset_of(identity, None, "x").name == name
        assert len(told) == 1
    with pytest.warns(UserWarning, match="x is called 'y', which its content contradicts") as told:
        preset_of(Identity(choices=("ltx-video-2b-0.9.5",), doubted="y"), None, "x")
    assert len(told) == 1


@pytest.mark.parametrize("value", [b"2", "2.5x", float("inf"), float("nan"), 1e400])
def test_numbers_that_are_none(value: Any) -> None:
    """Bytes, words, and what is not finite."""
    for read, kind in ((number, "finite number"), (whole, "whole number")):
        with pytest.raises(ValueError, match=f"expected a {kind} for a"):
            read("a", value)
    assert whole("a", -3.0) == -3 and number("a", "-2.5") == -2.5
