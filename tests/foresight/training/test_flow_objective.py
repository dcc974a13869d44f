"""Training the transformer: given frames, sequences of one length, images among videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from foresight.data.batch import FeatureBatch, MultiSizeBatch
from foresight.data.mixed import MixedBatches, MixedClips, MixedData, Stills
from foresight.training.objectives.flow import TextFlow
from ltx.flow import ShiftedLogitNormal, UniformSigma
from ltx.packing import GivenFrames
from ltx.shapes import LatentShape
from ltx.text import TextConditioning
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

CHANNELS, CAPTIONS = 8, 16
ALWAYS_TWO = GivenFrames(2, clip_share=1.0, image_share=0.0)


class Words:
    """Each sentence is its length."""

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        states = torch.tensor([[float(len(prompt))] * 3 for prompt in prompts])
        return TextConditioning(states[..., None].expand(-1, -1, CAPTIONS), torch.ones(len(prompts), 3).bool())


class Same:
    """Sentences as they are."""

    def __call__(self, instruction: str) -> list[str]:
        return [instruction]

    def recipe(self) -> dict[str, Any]:
        return {}


def objective(**changes: Any) -> TextFlow:
    settings = {"sigmas": UniformSigma(0.5, 0.5001), "given": ALWAYS_TWO, "drop": 0.0, "dropout": 0.0, **changes}
    return TextFlow(text_encoder=Words(), wording=Same(), **settings)


def transformer() -> VideoTransformer:
    torch.manual_seed(0)
    return VideoTransformer(
        transformer_config(
            channels=CHANNELS,
            num_attention_heads=2,
            attention_head_dim=16,
            caption_channels=CAPTIONS,
            positional_embedding_theta=100.0,
            positional_embedding_max_pos=(4, 128, 128),
        )
    )


def latents(frames: int, height: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(CHANNELS, frames, height, width, generator=torch.Generator().manual_seed(seed))


def cached(clips: list[Tensor]) -> FeatureBatch:
    names = tuple("abcdefghijklmnopqrstuvwx"[: len(clips)])
    return FeatureBatch({"latents": torch.stack(clips)}, names, 8.0, torch.arange(len(clips)))


MIXED = MultiSizeBatch(
    (latents(5, 2, 2), latents(2, 3, 3, 1), latents(3, 3, 2, 2)), ("one", "two", "three"), (8.0, 4.0, 8.0), 18
)


class Recorder(nn.Module):
    """Remembers what it is shown and answers zero."""

    def __init__(self) -> None:
        super().__init__()
        self.config = transformer().config

    def forward(self, tokens: Tensor, timesteps: Tensor, places: Tensor, *text: Tensor, groups: Any) -> Tensor:
        self.tokens, self.timesteps, self.places, self.text, self.groups = tokens, timesteps, places, text, groups
        return torch.zeros_like(tokens)


class Echo(Recorder):
    """Answers what it is shown."""

    def forward(self, tokens: Tensor, *others: Tensor, groups: Any) -> Tensor:
        super().forward(tokens, *others, groups=groups)
        return tokens


def test_given_frames_are_clean_at_time_0() -> None:
    """The tokens of two given frames are the clip's own at time 0, the others noised; the text comes along."""
    clips = [latents(4, 2, 2, seed) for seed in (1, 2)]
    model = Recorder()
    loss = objective()(model, cached(clips), torch.Generator().manual_seed(0))["loss"]
    for row, clip in enumerate(clips):
        clean = clip.flatten(1).T
        assert torch.equal(model.tokens[row, :8], clean[:8])
        assert not torch.isclose(model.tokens[row, 8:], clean[8:]).any()
    assert model.timesteps[:, :8].eq(0).all()
    torch.testing.assert_close(model.timesteps[:, 8:], torch.full((2, 8), 0.5), atol=1e-3, rtol=0)
    # The answer is zero, so the loss is the mean square of ε − x₀ over tokens that are not given: x_t = (x₀ + ε)/2.
    free = torch.stack([clip.flatten(1).T[8:] for clip in clips])
    noise = (model.tokens[:, 8:] - (1 - model.timesteps[:, 8:, None]) * free) / model.timesteps[:, 8:, None]
    torch.testing.assert_close(loss, (noise - free).square().mean())
    assert model.text[0][0, 0, 0] == 1 and model.text[1].all()
    assert model.groups.count == 2


def test_shares_and_dropping_are_for_training_alone() -> None:
    """In training frames are given by chance and a fifth of the tokens left out; validation always gives the clip."""
    settings = {"given": GivenFrames(2, clip_share=0.5, image_share=0.3), "drop": 0.2}
    model, batch = Recorder(), cached([latents(5, 2, 2, seed) for seed in range(24)])
    objective(**settings)(model, batch, torch.Generator().manual_seed(1))
    assert model.tokens.shape == (24, 16, CHANNELS)
    assert set(model.timesteps.eq(0).sum(1).tolist()) == {0, 4, 8}
    objective(**settings)(model.eval(), batch, torch.Generator().manual_seed(1))
    assert model.tokens.shape == (24, 20, CHANNELS)
    assert set(model.timesteps.eq(0).sum(1).tolist()) == {8}


def test_a_reference_video_precedes_the_clip() -> None:
    """Its tokens stand first, clean at time 0, at the clip's own places; the loss is that of the clip alone."""
    clips, shown = [latents(3, 2, 2, seed) for seed in (1, 2)], [latents(3, 2, 2, seed) for seed in (3, 4)]
    batch = cached(clips)
    both = replace(batch, tensors={**batch.tensors, "reference": torch.stack(shown)})
    model, alone = Echo(), Echo()
    loss = objective(reference=True)(model, both, torch.Generator().manual_seed(0))["loss"]
    assert loss == objective()(alone, batch, torch.Generator().manual_seed(0))["loss"]
    for row, reference in enumerate(shown):
        assert torch.equal(model.tokens[row, :12], reference.flatten(1).T)
    assert torch.equal(model.tokens[:, 12:], alone.tokens) and torch.equal(model.timesteps[:, 12:], alone.timesteps)
    assert model.timesteps[:, :12].eq(0).all() and (alone.timesteps > 0).sum() == 2 * 4
    assert torch.equal(model.places, alone.places.repeat(1, 1, 2))
    for without in (batch, MIXED):
        with pytest.raises(ValueError, match="reference"):
            objective(reference=True)(model, without, torch.Generator())


def test_the_end_of_a_clip_can_be_given() -> None:
    """The last frame's tokens are the clip's own at time 0, in training and, as the usual case, in validation."""
    clip, given = latents(3, 2, 2), GivenFrames(1, clip_share=0.0, image_share=0.0, suffix_share=1.0)
    model = Recorder()
    for training in (True, False):
        objective(given=given)(model.train(training), cached([clip]), torch.Generator().manual_seed(0))
        assert model.timesteps.eq(0).tolist() == [[False] * 8 + [True] * 4]
        assert torch.equal(model.tokens[0, 8:], clip.flatten(1).T[8:])


def test_text_states_that_come_with_the_data_are_taken() -> None:
    """No encoder is needed for them; what would need one is refused."""
    batch, states = cached([latents(2, 2, 2)]), torch.randn(1, 3, CAPTIONS)
    mask = torch.tensor([[True, True, False]])
    own = replace(batch, tensors={**batch.tensors, "text": states, "text_mask": mask})
    model, settings = Recorder(), {"sigmas": UniformSigma(0.5, 0.6), "given": ALWAYS_TWO, "drop": 0.0}
    bare = TextFlow(text_encoder=None, wording=None, dropout=0.0, **settings)  # type: ignore[arg-type]
    bare(model, own, torch.Generator().manual_seed(0))
    assert torch.equal(model.text[0], states) and torch.equal(model.text[1], mask)
    with pytest.raises(ValueError, match="text states, or a text encoder"):
        bare(model, batch, torch.Generator())
    with pytest.raises(ValueError, match="dropout 0"):
        objective(dropout=0.1)(model, own, torch.Generator())


def test_levels_follow_the_number_of_free_tokens() -> None:
    """Shifted logit-normal levels rise with the tokens to be predicted: logit σ has mean 0.95 at 1024, 2.05 at 4096."""
    model = Recorder()
    small, large = torch.zeros(CHANNELS, 2, 32, 32), torch.zeros(CHANNELS, 5, 32, 32)
    settings = {"sigmas": ShiftedLogitNormal(1e-3), "given": GivenFrames(1, clip_share=1.0, image_share=0.0)}
    batch = MultiSizeBatch((small, large), ("a", "b"), (8.0, 8.0), 2048)
    with pytest.raises(ValueError, match="between"):
        objective(**settings)(model, MultiSizeBatch((small, large), ("a", "b"), (8.0, 8.0), 2049), torch.Generator())
    for clip, mu in ((small, 0.95), (large, 2.05)):
        batch = MultiSizeBatch((clip,), ("a",), (8.0,), clip[0].numel())
        objective(**settings)(model, batch, torch.Generator().manual_seed(0))
        assert torch.logit(model.timesteps.max()).item() == pytest.approx(mu, abs=0.01)


@pytest.mark.parametrize("batch", [cached([latents(4, 2, 2), latents(4, 2, 2, 1)]), MIXED], ids=["one size", "mixed"])
def test_gradients_reach_every_parameter(batch: Any) -> None:
    """Each weight of the transformer gets a gradient that is finite and not zero everywhere."""
    model = transformer()
    settings = {"given": GivenFrames(2, clip_share=0.4, image_share=0.3), "drop": 0.2, "dropout": 0.1}
    for seed in range(3):
        objective(**settings)(model, batch, torch.Generator().manual_seed(seed))["loss"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.abs().max() > 0, name


def test_clips_of_several_sizes_have_one_length() -> None:
    """20, 18 and 18 tokens become 18 each, at the places of their own grids and rates."""
    model = Recorder()
    objective()(model, MIXED, torch.Generator().manual_seed(0))
    assert model.tokens.shape == (3, 18, CHANNELS)
    # Rows go up to 32 and 64 pixels; the last frame of 5 at 8 a second starts at 25/8 s, of 2 at 4 at 1/4 s.
    assert model.places[:, 1].amax(1).tolist() == [32, 64, 64]
    assert model.places[1, 0].max() == 0.25 and model.places[2, 0].max() == 9 / 8
    assert model.places[0, 0].max() in (17 / 8, 25 / 8)


def test_a_clip_is_learned_in_200_steps() -> None:
    """Velocity on one clip: the loss falls below a quarter of what predicting nothing costs (measured 0.31 of 2.16)."""
    model, clip = transformer(), cached([latents(4, 2, 2)] * 8)
    goal = objective(sigmas=UniformSigma(0.3, 1.0), given=GivenFrames(2, clip_share=0.5, image_share=0.3), drop=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    losses = []
    for step in range(200):
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1, (step + 1) / 10) * (1 - step / 200)
        loss = goal(model, clip, torch.Generator().manual_seed(step))["loss"]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    nothing = goal(Recorder(), clip, torch.Generator().manual_seed(0))["loss"]
    assert losses[0] > 0.9 * float(nothing)
    assert sum(losses[-10:]) / 10 < 0.25 * float(nothing)


class Clips:
    """A source of clips of one size, all different."""

    def __init__(self, count: int, *size: int) -> None:
        self.count, self.size = count, size

    def prepare(self) -> None:
        pass

    def recipe(self) -> dict[str, Any]:
        return {"count": self.count, "size": list(self.size)}

    def __len__(self) -> int:
        return self.count

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        clips = torch.stack([torch.full((CHANNELS, *self.size), float(index)) for index in indices])
        return FeatureBatch({"latents": clips}, tuple(f"clip {i}" for i in indices), 8.0, torch.tensor(list(indices)))


def mixture() -> MixedClips:
    return MixedClips(
        parts={
            "images": Clips(6, 1, 4, 4),
            "short": Clips(8, 5, 2, 2),
            "wide": Clips(4, 3, 2, 3),
            "long": Clips(3, 9, 2, 2),
        }
    )


def test_stills_are_first_frames() -> None:
    """A still is a clip's first latent frame, with the clip's words."""
    stills = Stills(clips=Clips(3, 4, 2, 2))
    batch = stills.__getitems__([2, 0])
    assert len(stills) == 3 and batch.instructions == ("clip 2", "clip 0")
    assert batch["latents"].shape == (2, CHANNELS, 1, 2, 2)
    assert batch["latents"][:, 0, 0, 0, 0].tolist() == [2, 0]


def test_images_and_videos_come_in_their_shares() -> None:
    """Batches hold images or videos, a quarter images, and only clips of nearly one length; all sizes come."""
    clips = mixture()
    assert [shape.tokens for shape in clips.shapes()] == [16] * 6 + [20] * 8 + [18] * 4 + [36] * 3
    batches = MixedBatches(
        shapes=clips.shapes(), tokens_per_batch=40, image_share=0.25, seed=0, start=0, rank=0, world=1
    )
    loader = DataLoader(clips, batch_sampler=batches, collate_fn=lambda batch: batch)
    seen = list(islice(loader, 40))
    images = [batch for batch in seen if batch.latents[0].shape[1] == 1]
    assert len(images) == 10
    assert {batch.tokens for batch in seen} == {16, 18, 20, 36}
    assert any(len({clip.shape for clip in batch.latents}) > 1 for batch in seen)
    for batch in seen:
        counts = [LatentShape.of(clip[None]).tokens for clip in batch.latents]
        assert batch.tokens == min(counts) >= 0.8 * max(counts)
        assert len({clip.shape[1] == 1 for clip in batch.latents}) == 1
    objective()(Recorder(), seen[0], torch.Generator())


def test_a_mixed_stream_goes_on_where_it_stopped() -> None:
    """Batch n is the same whether the stream is read from the start or from n, and processes share it out."""
    options = {"shapes": mixture().shapes(), "tokens_per_batch": 40, "image_share": 0.5, "seed": 2}
    whole = list(islice(MixedBatches(**options, start=0, rank=0, world=1), 60))
    assert list(islice(MixedBatches(**options, start=37, rank=0, world=1), 23)) == whole[37:]
    for rank in range(2):
        assert list(islice(MixedBatches(**options, start=3, rank=rank, world=2), 20)) == whole[6 + rank : 46 : 2]


def test_mixed_data_resumes_with_its_settings_alone() -> None:
    """A data module takes up its position, and refuses one of other settings; validation sees each clip once."""
    data = MixedData(train=mixture(), validation=mixture(), tokens_per_batch=40, image_share=0.25, workers=0, seed=1)
    data.prepare_data()
    first = [batch.instructions for batch in islice(data.train_dataloader(), 6)]
    data.load_state_dict({**data.state_dict(), "position": 4})
    assert [batch.instructions for batch in islice(data.train_dataloader(), 2)] == first[4:]
    with pytest.raises(ValueError, match="expected the data settings"):
        data.load_state_dict({**data.state_dict(), "seed": 9})
    assert sum(len(batch) for batch in data.val_dataloader()) == 21
    assert data.batches_of_a_pass(2) == data.batches_of_a_pass(1) // 2 > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [({"drop": 0.3}, "drop in"), ({"dropout": 1.0}, "dropout in"), ({"drop": -0.1}, "drop in")],
)
def test_impossible_settings_are_refused(change: dict[str, float], message: str) -> None:
    """More than a fifth of the tokens is never left out."""
    with pytest.raises(ValueError, match=message):
        objective(**change)
