"""The example of a training without Hydra does what it says, and stays short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from adapters import VLMFeatures, load_adapter
from experiments.examples import train_adapter
from foresight import WorldModel
from foresight.data.batch import FeatureBatch
from foresight.physics import PhysicsConfig, make_clip
from foresight.world.sizes import pairing_between
from ltx.checkpoint.hub import resolve
from ltx.media import write_mp4


def test_it_trains_an_adapter_and_assembles_a_world_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a folder of videos, at every step with a loss; the adapter is one between the models it names, and the world
    model runs as its clips do."""
    rows = []
    for number in range(3):
        clip = make_clip(number, PhysicsConfig())
        write_mp4(tmp_path / f"{number}.mp4", clip.tensor, frame_rate=8.0)
        rows.append({"file_name": f"{number}.mp4", "instruction": clip.instruction})
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    train_adapter.main(str(tmp_path), str(tmp_path / "run"), steps=2, batch=2)
    assert "step 2/2 · loss" in capsys.readouterr().out
    adapter = load_adapter(tmp_path / "run/adapter")
    assert adapter.pairing == pairing_between("foresight-tiny", "foresight-tiny")
    assert any(bool(parameter.any()) for name, parameter in adapter.named_parameters() if "out" in name)
    config = WorldModel.from_pretrained(tmp_path / "run/world", device="cpu").sampling_config
    assert (config.frame_rate, config.context_frames, config.chunk_frames) == (8.0, 9, 16)


def test_it_is_short() -> None:
    """Its part that trains has at most 40 lines of code."""
    code = Path(train_adapter.__file__).read_text().split('"""')[2].splitlines()
    assert len([line for line in code if line.strip() and "import" not in line]) <= 40


def test_a_pairing_is_read_from_the_models() -> None:
    """The embedded adapter's own pairing, without a number typed; other layers if they are said."""
    found = pairing_between("foresight-tiny", "foresight-tiny")
    assert found == load_adapter(resolve("foresight-tiny", "vae") / "adapter").pairing
    assert pairing_between("foresight-tiny", "foresight-tiny", layers=[1]).vlm_layers == (1,)


def test_a_batch_is_made_of_what_was_encoded() -> None:
    """Features and latents come back as they went in; as many of each are needed."""
    features = VLMFeatures(
        tokens=torch.rand(2, 1, 3, 4),
        mask=torch.ones(2, 3, dtype=torch.bool),
        vision=torch.tensor([[True, False, True]] * 2),
        coordinates=torch.rand(2, 3, 3),
        patches=torch.rand(2, 5, 6),
        patch_coordinates=torch.rand(2, 3, 5),
    )
    latents = torch.rand(2, 8, 3, 1, 1)
    batch = FeatureBatch.of(latents, ["a", "b"], 8.0, features=features)
    assert all(torch.equal(getattr(batch.features, name), value) for name, value in vars(features).items())
    assert batch["latents"] is latents and batch.instructions == ("a", "b") and batch.rows.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        FeatureBatch.of(latents, ["a"], 8.0, features=features)
