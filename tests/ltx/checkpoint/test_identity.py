"""Which release a checkpoint is: by what it holds and says, then by what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltx.checkpoint.cards import cards
from ltx.checkpoint.identity import RELEASES, identify, named, names_of

COMMIT = "b" * 40


def known(*names: str, layers: int = 28, generation: str = "0.9.5", listed: bool = False) -> str | None:
    return identify(layers=layers, generation=generation, listed_times=listed, names=names).release


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("ltx-video-2b-v0.9.safetensors", "ltx-video-2b-0.9.0"),
        ("ltx-video-2b-v0.9.1.safetensors", "ltx-video-2b-0.9.1"),
        ("ltx-video-2b-v0.9.5.safetensors", "ltx-video-2b-0.9.5"),
        ("ltxv-2b-0.9.6-dev-04-25.safetensors", "ltxv-2b-0.9.6-dev"),
        ("ltxv-2b-0.9.6-distilled-04-25.safetensors", "ltxv-2b-0.9.6-distilled"),
        ("ltxv-13b-0.9.7-dev-fp8.safetensors", "ltxv-13b-0.9.7-dev"),
        ("LTXV_13B_097_distilled_fp8_e4m3fn_scaled.safetensors", "ltxv-13b-0.9.7-distilled"),
        ("Lightricks/LTX-Video-0.9.8-13B-distilled", "ltxv-13b-0.9.8-distilled"),
        ("ltxv-13b-0_9_8-dev.safetensors", "ltxv-13b-0.9.8-dev"),
        ("my ltxv-2b-0.9.8-distilled (1).safetensors", "ltxv-2b-0.9.8-distilled"),
    ],
)
def test_names_people_use(name: str, release: str) -> None:
    """Released files, their quantised versions and repositories, in any spelling, for a model of any size."""
    (generation,) = (RELEASES[release].versions or ("",))[:1]
    vae = generation if generation < "0.9.5" else "0.9.5"
    assert known(name, layers=2, generation=vae) == release


def test_every_card_of_a_release_is_known() -> None:
    """Whatever file or repository a card leads to, its name is enough; upsamplers and LoRAs are no release."""
    for name, card in cards().items():
        if card.repo is None or "upscaler" in name or "lora" in name:
            continue
        said = named(name)
        vae = (said.versions or ("",))[0]
        got = known(name, card.hub_id, layers=2, generation=vae if vae < "0.9.5" else "0.9.5")
        assert (
            got is not None and RELEASES[got].versions == said.versions and RELEASES[got].kind == (said.kind or "dev")
        ), name


def test_content_is_believed_before_names() -> None:
    """Sizes and the VAE settle what they can; a list of times means distilled; a wrong name is doubted."""
    assert known("model.safetensors", generation="0.9.0") == "ltx-video-2b-0.9.0"
    assert known("model.safetensors", generation="0.9.1") == "ltx-video-2b-0.9.1"
    assert known("model.safetensors", listed=True) == "ltxv-2b-0.9.8-distilled"
    wrong = identify(layers=28, generation="0.9.5", listed_times=True, names=["ltxv-13b-0.9.8-dev.safetensors"])
    assert (wrong.release, wrong.distilled) == ("ltxv-2b-0.9.8-distilled", True)
    assert wrong.doubted == "ltxv-13b-0.9.8-dev.safetensors"
    called_dev = identify(layers=28, generation="0.9.5", listed_times=True, names=["ltxv-2b-0.9.6-dev.safetensors"])
    assert called_dev.distilled and called_dev.doubted is not None and called_dev.release == "ltxv-2b-0.9.6-distilled"
    # The first name that says it is believed, and none of them contradicts the content.
    two = identify(layers=48, generation="0.9.5", listed_times=False, names=["13b-0.9.7-dev", "13b-0.9.8-distilled"])
    assert (two.release, two.doubted) == ("ltxv-13b-0.9.7-dev", None)


def test_what_nothing_says_stays_open() -> None:
    """The choices are those that fit; a model of another size is no release unless it is called so."""
    big = identify(layers=48, generation="0.9.5", listed_times=False, names=["model.safetensors"])
    assert big.release is None and not big.distilled
    assert set(big.choices) == {name for name in RELEASES if "13b" in name}
    listed = identify(layers=48, generation="0.9.5", listed_times=True, names=[])
    assert listed.release is None and listed.distilled
    assert listed.choices == ("ltxv-13b-0.9.7-distilled", "ltxv-13b-0.9.8-distilled")
    assert known("model.safetensors", layers=2, generation="0.9.0") is None
    assert known("distilled.safetensors", layers=2) is None


def test_names_of_a_checkpoint(tmp_path: Path) -> None:
    """What it states, its card and hub id, also of a cache that lies elsewhere, its file, a folder called after it."""
    cache = tmp_path / "models--Lightricks--LTX-Video" / "snapshots" / COMMIT
    cache.mkdir(parents=True)
    assert names_of(str(cache), cache, ["stated"])[:3] == [
        "stated",
        "ltx-video-0.9.0-diffusers",
        "Lightricks/LTX-Video",
    ]
    file = cache / "ltxv-2b-0.9.6-distilled-04-25.safetensors"
    file.touch()
    assert "ltxv-2b-0.9.6-distilled" in names_of(str(file), file, [])
    folder = tmp_path / "LTX-Video-0.9.7-dev" / "model.safetensors"
    folder.parent.mkdir()
    folder.touch()
    assert names_of(str(folder), folder, []) == ["model.safetensors", "LTX-Video-0.9.7-dev"]
    assert names_of(str(tmp_path / "0.9.5-2"), tmp_path / "0.9.5-2", []) == ["0.9.5-2"]
