"""Parts that are damaged, or do not belong together, are refused before weights are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.storage import CONFIG
from foresight import WorldModel
from foresight.errors import UserError
from foresight.world.assembly import adapter_configs, adapter_folder, release_preset
from foresight.world.parts import check_sizes, check_text
from foresight.world.reference import PartReference
from foresight.world.sizes import text_width, video_sizes
from foresight.world.training_clips import TRAINING, TrainingClips, clips_of
from ltx.text import small_text_encoder


def test_what_is_no_adapter_is_named(tmp_path: Path) -> None:
    """A folder without one, and a configuration that is damaged or of no known kind."""
    with pytest.raises(UserError, match=rf"folder of an adapter, with {CONFIG}.*{tmp_path.name}"):
        adapter_folder(tmp_path)
    for text in ("{", '{"kind": "other"}'):
        (tmp_path / CONFIG).write_text(text)
        assert adapter_folder(tmp_path) == tmp_path
        with pytest.raises(UserError, match=rf"configuration of an adapter in .*{CONFIG}"):
            adapter_configs(tmp_path)


def test_clips_that_nobody_knows_are_asked_for(tmp_path: Path) -> None:
    """A damaged record is not taken for none, and without one every field has to be said."""
    assert TrainingClips.read(tmp_path) is None
    with pytest.raises(UserError, match=rf"{tmp_path.name} without {TRAINING}.*give .*context_frames"):
        clips_of(tmp_path, {"frame_rate": 8.0})
    for text in ("{", '{"rate": 8}'):
        (tmp_path / TRAINING).write_text(text)
        with pytest.raises(UserError, match=rf"a record of training clips in .*{TRAINING}"):
            clips_of(tmp_path, {})


def test_an_unknown_preset_is_a_mistake_of_the_user() -> None:
    """With the names that there are."""
    with pytest.raises(UserError, match="expected a preset, got 'nosuch'"):
        release_preset("nowhere", "nosuch")


@pytest.mark.parametrize("values", [None, [], {}, {"where": "a", "files": {"b": {"size": 1}}}])
def test_what_is_no_reference_is_refused(values: object) -> None:
    """Parts are recorded by place and files."""
    with pytest.raises(ValueError, match="a reference with where and files"):
        PartReference.from_dict(values)


def test_parts_fit_each_other(make_world: Callable[..., WorldModel]) -> None:
    """A text encoder of another width, and none where guidance or the transformer reads its states."""
    world = make_world(None)
    narrow = small_text_encoder(["a ball"], width=32, layers=1, max_tokens=4, vocabulary=128, seed=0)
    with pytest.raises(ValueError, match="a text encoder of width 16, got 32"):
        check_sizes(world.vae, world.transformer, narrow)
    check_sizes(world.vae, world.transformer, None)
    with pytest.raises(ValueError, match="no adapter's tokens replace the text"):
        check_text(None, None, world.sampling_config)
    adapted = make_world()
    assert adapted.adapter is not None
    if adapted.adapter.replaces_text:
        check_text(None, adapted.adapter, replace(adapted.sampling_config, guidance=1.0))
        with pytest.raises(ValueError, match=r"guidance 2\.0 reads the empty sentence"):
            check_text(None, adapted.adapter, replace(adapted.sampling_config, guidance=2.0))


def test_sizes_are_read_from_whole_checkpoints(make_world: Callable[..., WorldModel], tmp_path: Path) -> None:
    """No checkpoint, a transformer and a VAE of two, and configurations that say no sizes are named."""
    for text, message in (
        (None, r"config\.json in"),
        ("[]", r"an object in .*config\.json\W+got list"),
        ("{}", "a number d_model"),
        ('{"d_model": 0}', r"a number d_model .*got 0"),
    ):
        if text is not None:
            (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserError, match=message):
            text_width(tmp_path)
    (tmp_path / "ltx").mkdir()
    with pytest.raises(UserError, match="expected an LTX checkpoint, got"):
        video_sizes(tmp_path / "ltx", tmp_path / "ltx")
    world = make_world(None)
    world.transformer.save_pretrained(tmp_path / "ltx" / "transformer")
    world.vae.save_pretrained(tmp_path / "ltx" / "vae")
    assert video_sizes(tmp_path / "ltx", tmp_path / "ltx").latent_channels == world.vae.config.latent_channels
    config = tmp_path / "ltx" / "vae" / "config.json"
    fields = json.loads(config.read_text())
    config.write_text(json.dumps({**fields, "latent_channels": fields["latent_channels"] + 1}))
    with pytest.raises(UserError, match=r"latent channels, as .* reads, got one of"):
        video_sizes(tmp_path / "ltx", tmp_path / "ltx")
