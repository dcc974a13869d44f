"""Frozen networks as encoders: what is cached is what they compute, and the key holds all it depends on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import VLMFeatures
from foresight.data.encode import EncodedClips, Encoder, needed_bytes
from foresight.data.encoders import StoredFeatures, StoredLatents, StoredText
from foresight.data.physics import PhysicsClips
from foresight.data.wording import WorldWording
from foresight.physics import PhysicsConfig
from foresight.vlm.curriculum.qa import world_tokenizer
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.preprocess import Preprocessing
from foresight.vlm.small import SmallQwenConfig, build_small
from ltx.checkpoint.hub import resolve

PREPROCESSING = Preprocessing(
    frames_per_second=4.0,
    min_frames=2,
    max_frames=8,
    image_pixels=(56 * 56, 56 * 56),
    video_pixels=(56 * 56, 56 * 56),
    video_tokens=None,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
SIZES = SmallQwenConfig(
    hidden_size=32,
    layers=2,
    heads=2,
    key_value_heads=1,
    intermediate_size=32,
    vision_hidden_size=32,
    vision_layers=2,
    vision_heads=2,
    vision_intermediate_size=32,
    rope_theta=1e4,
)


def small(folder: Path, seed: int = 0, preprocessing: Preprocessing = PREPROCESSING) -> Path:
    tokenizer = world_tokenizer(vocabulary=400)
    model = build_small(SIZES, tokenizer, seed=seed)
    QwenEncoder(model=model, tokenizer=tokenizer, preprocessing=preprocessing, layers=[1, 2]).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("vlm"))


def clips(count: int = 6) -> PhysicsClips:
    return PhysicsClips(config=PhysicsConfig(), split="train", first=0, count=count)


def encoder(vlm: Path, **changes: Any) -> StoredFeatures:
    settings = {"wording": WorldWording(), "context": 9, "layers": [1, 2], "precision": "float32", **changes}
    return StoredFeatures(where=vlm, **settings)


class Canonical:
    """Every instruction as it is."""

    def recipe(self) -> dict[str, Any]:
        return {"kind": "canonical"}

    def __call__(self, instruction: str) -> tuple[str, ...]:
        return (instruction,)


def test_cached_features_are_computed_features(vlm: Path, tmp_path: Path) -> None:
    """Read back from shards, rows are what the VLM says of each clip's first frames, filled up with masked zeros."""
    source = EncodedClips(
        clips=clips(), encoders={"features": encoder(vlm, wording=Canonical())}, root=str(tmp_path), batch=4, shard=3
    )
    source.prepare()
    rows = [5, 0, 2]
    found, raw = source.__getitems__(rows).features, clips().__getitems__(rows)
    reader = QwenEncoder.from_pretrained(vlm, layers=[1, 2])
    assert found.tokens.shape[2] == int(found.mask.sum(dim=1).max()), "filled up no further than needed"
    for row in range(3):
        frames = raw.video[row : row + 1, :, :9]
        alone = reader.encode(frames, [raw.instructions[row]], frame_rate=raw.frame_rate)
        length = alone.mask.shape[1]
        kept = found.select(slice(row, row + 1))
        assert int(kept.mask.sum()) == length and not kept.mask[:, length:].any()
        assert not kept.tokens[:, :, length:].any() and not kept.coordinates[:, :, length:].any()
        torch.testing.assert_close(kept.tokens[:, :, :length], alone.tokens, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(kept.patches, alone.patches, rtol=1e-4, atol=1e-4)
        assert torch.equal(kept.vision[:, :length], alone.vision)
        assert torch.equal(kept.coordinates[:, :, :length], alone.coordinates)
        assert torch.equal(kept.patch_coordinates, alone.patch_coordinates)


def test_wordings_are_drawn_from_the_seed(vlm: Path) -> None:
    """A clip is worded the same in whatever batch it comes, clips are worded differently, and the meaning is kept."""
    said: list[str] = []
    encode = QwenEncoder.encode

    def listen(self: QwenEncoder, frames: Any, sentences: list[str], *, frame_rate: float) -> VLMFeatures:
        said.extend(sentences)
        return encode(self, frames, sentences, frame_rate=frame_rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QwenEncoder, "encode", listen)
        encoder(vlm)(clips().__getitems__([0, 1, 2, 3, 4, 5]))
        encoder(vlm)(clips().__getitems__([4, 1]))
    canonical = clips().__getitems__(range(6)).instructions
    assert said[6:] == [said[4], said[1]]
    assert all(worded in WorldWording()(text) for worded, text in zip(said[:6], canonical, strict=True))
    assert any(worded != text for worded, text in zip(said[:6], canonical, strict=True))


def test_the_key_holds_what_features_depend_on(vlm: Path, tmp_path: Path) -> None:
    """Weights, layers, preprocessing, wording, lengths and precision each give another recipe; the place does not."""
    variants = [
        encoder(small(tmp_path / "seed", seed=1)),
        encoder(small(tmp_path / "preprocessing", preprocessing=replace(PREPROCESSING, frames_per_second=8.0))),
        encoder(vlm, layers=[2]),
        encoder(vlm, wording=Canonical()),
        encoder(vlm, context=1),
        encoder(vlm, precision="bfloat16"),
    ]
    plain = encoder(vlm).recipe()
    assert encoder(small(tmp_path / "same")).recipe() == plain
    assert all(variant.recipe() != plain for variant in variants)


def test_space_is_estimated_from_configurations(vlm: Path, tmp_path: Path) -> None:
    """Without reading a weight, the estimate of every encoder is near to what its rows then take."""
    tiny = str(resolve("foresight-tiny", "vae"))
    encoders: dict[str, Encoder] = {
        "latents": StoredLatents(where=tiny, precision="bfloat16"),
        "features": encoder(vlm, precision="bfloat16", wording=Canonical()),
    }
    source = EncodedClips(clips=clips(4), encoders=encoders, root=tmp_path, batch=4, shard=4)
    expected = needed_bytes(source)
    source.prepare()
    written = sum(path.stat().st_size for path in tmp_path.glob("*/*.safetensors"))
    assert expected == pytest.approx(written, rel=0.25)
    assert StoredText(where=None, beside=tiny, precision="bfloat16").row_bytes(clips().shape, 8.0) == 40 * 64 * 2


@pytest.mark.parametrize(("changes", "named"), [({"precision": "int8"}, "precision"), ({"context": 0}, "got 0")])
def test_settings_out_of_range(vlm: Path, changes: dict[str, Any], named: str) -> None:
    """Impossible settings are refused by name."""
    with pytest.raises(ValueError, match=named):
        encoder(vlm, **changes)


def test_clips_that_do_not_fit(vlm: Path) -> None:
    """A context longer than the clip is refused."""
    with pytest.raises(ValueError, match="at least 26 frames, got 25"):
        encoder(vlm, context=26)(clips(1).__getitems__([0]))
