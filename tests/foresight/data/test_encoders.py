"""Frozen networks as encoders: what is cached is what they compute, and the key holds all it depends on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adapters import VLMFeatures
from foresight.data.encode import EncodedClips
from foresight.data.encoders import FeatureEncoder, features_of
from foresight.data.physics import PhysicsClips
from foresight.data.wording import WorldWording
from foresight.physics import PhysicsConfig
from foresight.physics.language import all_paraphrases
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.preprocess import FramePolicy
from foresight.vlm.prompts import NEXT, Prompt, chat_text, tokenize
from foresight.vlm.questions import world_tokenizer
from foresight.vlm.small import SmallQwenConfig, build_small

POLICY = FramePolicy(
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
LENGTH = 96


@pytest.fixture(scope="module")
def vlm() -> QwenEncoder:
    tokenizer = world_tokenizer(vocabulary=400)
    return QwenEncoder(model=build_small(SIZES, tokenizer, seed=0), tokenizer=tokenizer, policy=POLICY, layers=[1, 2])


def clips(count: int = 6) -> PhysicsClips:
    return PhysicsClips(config=PhysicsConfig(), split="train", first=0, count=count)


def encoder(vlm: QwenEncoder, **changes) -> FeatureEncoder:
    settings = {"wording": WorldWording(), "context": 9, "length": LENGTH, "precision": "float32", **changes}
    return FeatureEncoder(vlm=vlm, **settings)


class Canonical:
    """Every instruction as it is."""

    def recipe(self):
        return {"kind": "canonical"}

    def __call__(self, instruction):
        return (instruction,)


def test_cached_features_are_computed_features(vlm: QwenEncoder, tmp_path: Path) -> None:
    """Read back from shards, rows are what the VLM says of each clip's first frames, filled up with masked zeros."""
    source = EncodedClips(
        clips=clips(), encoders={"features": encoder(vlm, wording=Canonical())}, root=str(tmp_path), batch=4, shard=3
    )
    source.prepare()
    rows = [5, 0, 2]
    found, raw = features_of(source.__getitems__(rows)), clips().__getitems__(rows)
    for row in range(3):
        frames = raw.video[row : row + 1, :, :9]
        alone = vlm.encode(frames, [raw.instructions[row]], frame_rate=raw.frame_rate)
        length = alone.mask.shape[1]
        kept = found.select(slice(row, row + 1))
        assert int(kept.mask.sum()) == length and not kept.mask[:, length:].any()
        assert not kept.tokens[:, :, length:].any() and not kept.coordinates[:, :, length:].any()
        torch.testing.assert_close(kept.tokens[:, :, :length], alone.tokens, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(kept.patches, alone.patches, rtol=1e-4, atol=1e-4)
        assert torch.equal(kept.vision[:, :length], alone.vision)
        assert torch.equal(kept.coordinates[:, :, :length], alone.coordinates)
        assert torch.equal(kept.patch_coordinates, alone.patch_coordinates)


def test_wordings_are_drawn_from_the_seed(vlm: QwenEncoder) -> None:
    """A clip is worded the same in whatever batch it comes, clips are worded differently, and the meaning is kept."""
    said: list[str] = []

    def listen(frames, sentences, *, frame_rate) -> VLMFeatures:
        said.extend(sentences)
        return QwenEncoder.encode(vlm, frames, sentences, frame_rate=frame_rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm, "encode", listen)
        encoder(vlm)(clips().__getitems__([0, 1, 2, 3, 4, 5]))
        encoder(vlm)(clips().__getitems__([4, 1]))
    canonical = clips().__getitems__(range(6)).instructions
    assert said[6:] == [said[4], said[1]]
    assert all(worded in WorldWording()(text) for worded, text in zip(said[:6], canonical, strict=True))
    assert any(worded != text for worded, text in zip(said[:6], canonical, strict=True))


def test_the_key_holds_what_features_depend_on(vlm: QwenEncoder) -> None:
    """Weights, layers, frame policy, wording, lengths and precision each give another recipe."""
    tokenizer = vlm.tokenizer

    def other(seed: int = 0, policy: FramePolicy = POLICY, layers: tuple[int, ...] = (1, 2)) -> QwenEncoder:
        model = build_small(SIZES, tokenizer, seed=seed)
        return QwenEncoder(model=model, tokenizer=tokenizer, policy=policy, layers=layers)

    variants = [
        encoder(other(seed=1)),
        encoder(other(layers=(2,))),
        encoder(other(policy=replace(POLICY, frames_per_second=8.0))),
        encoder(vlm, wording=Canonical()),
        encoder(vlm, context=1),
        encoder(vlm, length=LENGTH + 1),
        encoder(vlm, precision="bfloat16"),
    ]
    plain = encoder(vlm).recipe()
    assert encoder(other()).recipe() == plain
    assert all(variant.recipe() != plain for variant in variants)


def test_every_wording_fits_the_recipes_rows() -> None:
    """The longest prompt of the embedded model fits into the 112 tokens that its recipe stores."""
    tokenizer = world_tokenizer(vocabulary=400)
    vision = 3 * 16  # nine frames at 4 a second, two at a time, 4×4 tokens each
    chats = [chat_text(tokenizer, Prompt(NEXT, text), medium="video") for group in all_paraphrases() for text in group]
    longest = max(len(tokenize(tokenizer, chat, medium="video", vision_tokens=vision)) for chat in chats)
    assert longest <= 112


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"precision": "int8"}, "precision"), ({"context": 0}, "context 0"), ({"length": 0}, "length 0")],
)
def test_settings_out_of_range(vlm: QwenEncoder, changes, named: str) -> None:
    """Impossible settings are refused by name."""
    with pytest.raises(ValueError, match=named):
        encoder(vlm, **changes)


def test_clips_and_prompts_that_do_not_fit(vlm: QwenEncoder) -> None:
    """A context longer than the clip and a row shorter than a prompt are refused."""
    batch = clips(1).__getitems__([0])
    with pytest.raises(ValueError, match="at least 26 frames, got 25"):
        encoder(vlm, context=26)(batch)
    with pytest.raises(ValueError, match="at most 10 tokens"):
        encoder(vlm, length=10)(batch)
