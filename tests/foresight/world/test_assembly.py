"""World models put together from parts on disk: by reference, checked before weights are read, refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from adapters import QueriesConfig, save_adapter
from adapters.storage import CONFIG
from foresight import WorldModel
from foresight.errors import UserError
from foresight.world.assembly import NamedParts, adapter_configs, plan_assembly, release_preset
from foresight.world.training_clips import TrainingClips
from ltx.bundle.checkpoint import Checkpoint
from ltx.flow import SchedulerConfig

PUSH = "the red ball is pushed up"
CLIPS = TrainingClips(frame_rate=8.0, frames=25, height=64, width=64, context_frames=9)


@dataclass(frozen=True)
class Disk:
    """Where the parts of a world model lie, as a user would have them."""

    world: WorldModel
    ltx: Path
    text: Path
    vlm: Path
    adapter: Path

    def assemble(self, **changes: object) -> WorldModel:
        """All parts joined, run as the world model they came from is run."""
        given = {"ltx": self.ltx, "vlm": self.vlm, "adapter": self.adapter, "text_encoder": self.text}
        return WorldModel.assemble(**{**given, "sampling": self.world.sampling_config, **changes})  # type: ignore[arg-type]


@pytest.fixture
def disk(world: WorldModel, tmp_path: Path) -> Disk:
    """The small world model in pieces: an official file, a T5 folder, a Qwen folder, an adapter."""
    found = Disk(world, tmp_path / "ltx.safetensors", tmp_path / "t5", tmp_path / "qwen", tmp_path / "run" / "adapter")
    Checkpoint(world.transformer, world.vae, SchedulerConfig("uniform")).save_official(found.ltx)
    assert world.text_encoder is not None and world.vlm is not None and world.adapter is not None
    world.text_encoder.save_pretrained(found.text)
    world.vlm.save_pretrained(found.vlm)
    save_adapter(world.adapter, found.adapter)
    CLIPS.save(found.adapter)
    return found


def test_an_assembled_model_predicts_what_its_parts_predicted(disk: Disk, clip: Tensor) -> None:
    """From an official file, a Qwen folder and an adapter: the same video as the model that the parts came from."""
    mine = disk.assemble().predict(clip[:, :9], PUSH, 16, seed=3)
    theirs = disk.world.predict(clip[:, :9], PUSH, 16, seed=3)
    assert torch.allclose(mine.video, theirs.video, atol=1e-5) and theirs.video.std() > 0.01


def test_a_folder_that_refers_to_its_parts_reads_back_equal(disk: Disk, clip: Tensor, tmp_path: Path) -> None:
    """The folder holds the adapter and no other weight, and predicts as the model does."""
    assembly = plan_assembly(
        NamedParts(ltx=disk.ltx, vlm=disk.vlm, adapter=disk.adapter.parent, text_encoder=disk.text),
        disk.world.sampling_config,
        clips={},
    )
    assembly.save(tmp_path / "mine")
    assert {path.parent.name for path in (tmp_path / "mine").rglob("*.safetensors")} == {"adapter"}
    again = WorldModel.from_pretrained(tmp_path / "mine").predict(clip[:, :9], PUSH, 16, seed=3)
    assert torch.allclose(again.video, disk.world.predict(clip[:, :9], PUSH, 16, seed=3).video, atol=1e-5)


@pytest.mark.parametrize("change", ["retrained", "gone"])
def test_a_part_that_is_another_by_now_is_refused(disk: Disk, tmp_path: Path, change: str) -> None:
    """A checkpoint of the same size with one other number, or none at all, is named before it is read."""
    assembly = plan_assembly(
        NamedParts(ltx=disk.ltx, vlm=disk.vlm, adapter=disk.adapter, text_encoder=disk.text), {}, clips={}
    )
    assembly.save(tmp_path / "mine")
    weights = disk.vlm / "model.safetensors"
    if change == "gone":
        weights.unlink()
    else:
        tensors = load_file(weights)
        name = next(iter(tensors))
        tensors[name] = tensors[name] + 1
        save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"the vlm that this world model was assembled with, model\.safetensors"):
        WorldModel.from_pretrained(tmp_path / "mine")


def test_lengths_come_from_training_and_times_from_the_release(disk: Disk) -> None:
    """The adapter's clips give rate and lengths; the preset gives steps, guidance and decoding; a wish wins."""
    config = plan_assembly(
        NamedParts(ltx=disk.ltx, vlm=disk.vlm, adapter=disk.adapter, text_encoder=disk.text),
        {"decode_noise": 0.5, "carried_noise": None},
        preset="ltxv-2b-0.9.8-distilled",
        clips={"frame_rate": 25.0},
    ).sampling_config
    assert (config.frame_rate, config.context_frames, config.chunk_frames) == (8.0, 9, 16)
    assert config.times is not None and config.steps == len(config.times) and config.guidance == 1.0
    assert config.decode_noise == 0.5 and config.carried_noise == 0.0


def test_lengths_that_are_said_need_no_record_of_training(disk: Disk) -> None:
    """An adapter trained by a script of one's own, and the video model alone, take them from the sampling."""
    (disk.adapter / "training.json").unlink()
    said = {"frame_rate": 8.0, "context_frames": 9, "chunk_frames": 16, "steps": 2, "guidance": 1.0}
    for parts in ({}, {"vlm": None, "adapter": None}):
        config = disk.assemble(sampling=said, **parts).sampling_config
        assert (config.frame_rate, config.context_frames, config.chunk_frames) == (8.0, 9, 16)
        with pytest.raises(UserError, match="frame_rate, context_frames and chunk_frames of the sampling"):
            disk.assemble(sampling={"frame_rate": 8.0, "context_frames": 9}, **parts)


def test_a_wish_that_is_no_field_is_named(disk: Disk) -> None:
    """A misspelt field of the sampling configuration is refused with the fields there are."""
    with pytest.raises(UserError, match=r"decode_timestep.*got stpes"):
        disk.assemble(sampling={"stpes": 3})


def test_an_adapter_that_replaces_the_text_needs_no_text_encoder(
    make_world: Callable[..., WorldModel], disk: Disk, clip: Tensor, tmp_path: Path
) -> None:
    """It predicts without one what it predicts with one, and a folder without one reads back."""
    adapter = disk.world.adapter
    assert adapter is not None
    queries = next(part for part in adapter.config.parts if isinstance(part, QueriesConfig))
    world = make_world(adapter=replace(queries, placement="replace"))
    assert world.adapter is not None
    save_adapter(world.adapter, tmp_path / "replacing")
    alone = disk.assemble(adapter=tmp_path / "replacing", text_encoder=None)
    assert alone.text_encoder is None
    expected = world.predict(clip[:, :9], PUSH, 16, seed=3).video
    assert torch.allclose(alone.predict(clip[:, :9], PUSH, 16, seed=3).video, expected, atol=1e-5)
    alone.save_pretrained(tmp_path / "whole")
    whole = WorldModel.from_pretrained(tmp_path / "whole")
    assert whole.text_encoder is None
    assert torch.allclose(whole.predict(clip[:, :9], PUSH, 16, seed=3).video, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text_encoder": None}, r"text encoder for .*text_encoder="),
        ({"vlm": None}, r"adapter= without vlm="),
        ({"adapter": None}, r"vlm= without adapter="),
        ({"adapter": "nowhere"}, r"the adapter at a path"),
        ({"ltx": "nowhere.safetensors"}, r"the transformer at a path"),
        ({"sampling": {"steps": 0}}, r"steps .* above 0"),
    ],
)
def test_what_is_missing_is_named(disk: Disk, changes: dict[str, object], said: str) -> None:
    """One line that says which part to name."""
    with pytest.raises(UserError, match=said):
        disk.assemble(**changes)


@pytest.mark.parametrize(
    ("part", "field", "value", "said"),
    [
        ("vlm", "text_config.hidden_size", 48, r"VLM hidden size 32, got 48"),
        ("vlm", "vision_config.hidden_size", 64, r"VLM vision size 32, got 64"),
        ("text", "d_model", 24, r"text encoder of width 16.*of width 24"),
    ],
)
def test_sizes_are_compared_before_weights_are_read(disk: Disk, part: str, field: str, value: int, said: str) -> None:
    """Configurations alone tell that parts do not belong together: weights need not even be there."""
    folder = disk.vlm if part == "vlm" else disk.text / "text_encoder"
    config = json.loads((folder / "config.json").read_text())
    *path, last = field.split(".")
    node = config
    for name in path:
        node = node[name]
    node[last] = value
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=said):
        disk.assemble()


@pytest.mark.parametrize(("times", "listed"), [((1.0, 0.5), True), (None, False)])
def test_a_checkpoint_that_lists_its_times_is_looked_up_as_one(
    tmp_path: Path, world: WorldModel, monkeypatch: pytest.MonkeyPatch, times: tuple[float, ...] | None, listed: bool
) -> None:
    """Whether the only times it may be sampled at are listed tells distilled releases from others."""
    asked: list[bool] = []

    def recognise(where: Path, *, listed_times: bool) -> None:
        asked.append(listed_times)
        raise KeyError(where)

    monkeypatch.setattr("foresight.world.assembly.recognise", recognise)
    path = tmp_path / "ltx.safetensors"
    Checkpoint(world.transformer, world.vae, SchedulerConfig("uniform", allowed_times=times)).save_official(path)
    with pytest.raises(KeyError):
        release_preset(path, None)
    assert asked == [listed]


@pytest.mark.parametrize("text", [None, "{", "[1]"])
def test_a_damaged_adapter_is_named_by_its_file(tmp_path: Path, text: str | None) -> None:
    """Not there, no JSON, or no configuration: the path of the file that ought to be one."""
    if text is not None:
        (tmp_path / CONFIG).write_text(text)
    with pytest.raises(UserError, match=f"the configuration of an adapter in {tmp_path / CONFIG}"):
        adapter_configs(tmp_path)
