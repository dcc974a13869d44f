"""Best of several candidates, and the arithmetic it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.scale import assemble
from experiments.scale.arithmetic import Arithmetic
from experiments.scale.candidates import Scored, quality, scored
from experiments.scale.study import ACCURACY, Curves, lines, of_clip, rows
from foresight import WorldModel
from foresight.metrics.statistics import Estimate
from foresight.physics import PhysicsConfig, SimulatedSplit
from ltx import VideoTransformer

CLIPS = [
    Scored(
        error=torch.tensor([0.4, 0.2, 0.1]),
        position=torch.tensor([9.0, 6.0, 3.0]),
        seen=torch.tensor([0.3, 0.1, 0.2]),
        latents=torch.tensor([[0.0], [5.0], [1.0]]),
        copied=0.8,
    ),
    Scored(
        error=torch.tensor([0.6, 0.8, 0.2]),
        position=torch.tensor([5.0, 8.0, 1.0]),
        seen=torch.tensor([0.1, 0.3, 0.05]),
        latents=torch.tensor([[0.0], [5.0], [1.0]]),
        copied=1.2,
    ),
]


def test_choices_by_hand() -> None:
    """Of two the one seen to be nearer, of three the one in the middle of the latents, never one beyond the count."""
    assert [clip.chosen(2, "verified") for clip in CLIPS] == [1, 0]
    assert [clip.chosen(3, "verified") for clip in CLIPS] == [1, 2]
    assert [clip.chosen(3, "middle") for clip in CLIPS] == [2, 2]
    assert [clip.chosen(3, "first") for clip in CLIPS] == [0, 0]
    found = quality(CLIPS, 3, "verified")
    assert found.error.value == pytest.approx((0.2 + 0.2) / (0.8 + 1.2))
    assert found.position.value == pytest.approx(3.5)


def test_operations_by_hand() -> None:
    """Reading once, then evaluations and a decoding for each candidate; a loop pays for what it spent."""
    arithmetic = Arithmetic(reading=7.0, evaluation=10.0, decoding=3.0, evaluations=8)
    assert arithmetic.draws(2) == 7 + 2 * (80 + 3)
    assert arithmetic.spent(5, 2) == 7 + 50 + 6


def test_counted_operations_follow_the_size_of_the_transformer(tmp_path: Path) -> None:
    """Half of the blocks take half of the operations in the blocks; reading and decoding stay what they are."""
    (clip,) = SimulatedSplit(PhysicsConfig(), "test", 1)
    world = WorldModel.from_pretrained("foresight-tiny")
    whole = of_clip(world, clip)
    assert whole.evaluations == world.sampling_config.steps * (2 if world.sampling_config.guidance > 1 else 1)
    config = world.transformer.config
    torch.manual_seed(0)
    smaller = VideoTransformer(type(config)(**{**vars(config), "num_layers": config.num_layers // 2}))
    half = of_clip(world.replace(transformer=smaller), clip)
    assert 0.45 < half.evaluation / whole.evaluation < 0.65
    assert half.decoding == whole.decoding
    assert half.reading == pytest.approx(whole.reading, rel=0.05)


def test_a_world_model_with_another_transformer(tmp_path: Path) -> None:
    """All parts but the transformer are those of the other world model, bit by bit."""
    own = WorldModel.from_pretrained("foresight-tiny", dtype=torch.bfloat16)
    changed = VideoTransformer(own.transformer.config).to(torch.bfloat16)
    changed.save_pretrained(tmp_path / "parts" / "transformer")
    assemble.main(["foresight-tiny", str(tmp_path / "parts"), str(tmp_path / "world")])
    found = WorldModel.from_pretrained(tmp_path / "world", dtype=torch.bfloat16)
    for name, tensor in own.vae.state_dict().items():
        assert torch.equal(tensor, found.vae.state_dict()[name])
    for name, tensor in changed.state_dict().items():
        assert torch.equal(tensor, found.transformer.state_dict()[name])


def test_candidates_of_the_embedded_model() -> None:
    """More candidates never make the frames that were looked at worse, and the table has a row for each choice."""
    clips = list(SimulatedSplit(PhysicsConfig(), "test", 2))
    world = WorldModel.from_pretrained("foresight-tiny")
    found = list(scored(world, clips, 4))
    for clip in found:
        looked = [float(clip.seen[clip.chosen(draws, "verified")]) for draws in (1, 2, 4)]
        assert looked == sorted(looked, reverse=True)
        assert float(clip.error[0]) < clip.copied
    counts = {draws: quality(found, draws, "verified") for draws in (1, 2)}
    nothing = Estimate(0.5, 0.4, 0.6, 2)
    curves = Curves(
        Arithmetic(1e9, 1e9, 1e9, 8),
        {"first": counts, "middle": counts, "verified": counts},
        {"compare": (3e9, nothing), "accept": (1e9, nothing)},
    )
    assert [row["chosen"] for row in rows({"large": curves})] == ["–", "middle", "verified"]
    assert [operations for operations, _ in lines({"large": curves})[ACCURACY]["large"]] == [1e9, 3e9]
