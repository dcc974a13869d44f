"""The wide world: what it shows, what it leaves out, and that the plain world stays what it was."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from foresight.cli.compose import resolve
from foresight.data.physics import PhysicsClips
from foresight.physics import KINDS, Body, Look, Looks, PhysicsConfig, counterfactual, make_clip
from foresight.physics.backdrop import FAMILIES, Backdrop
from foresight.physics.look import FAINT, STRONG, Bar, tinge
from foresight.physics.palette import COLOURS
from foresight.physics.render import render
from foresight.physics.scene import Scene, sample_scene
from foresight.physics.tracking import position_error, track


def _world(name: str) -> PhysicsConfig:
    with initialize_config_module("foresight.configs", version_base=None):
        fields = compose(f"world/{name}").get("world")
    world = instantiate({"_target_": "foresight.physics.PhysicsConfig", **fields}, _convert_="all")
    assert isinstance(world, PhysicsConfig)
    return world


WIDE = _world("wide")


def _scenes(world: PhysicsConfig, count: int) -> list[Scene]:
    return [sample_scene(np.random.default_rng(seed), world) for seed in range(count)]


def test_the_plain_world_is_what_it_always_was() -> None:
    """Video, true places and instruction of five seeds, and every counterfactual of six, bit for bit."""
    digest = hashlib.sha256()
    for seed in (0, 1, 2, 10_000_003, 30_000_007):
        clip = make_clip(seed)
        digest.update(clip.video.numpy().tobytes())
        digest.update(clip.positions.numpy().tobytes())
        digest.update(clip.instruction.encode())
    assert digest.hexdigest() == "a6aec286aa2b743a27b4440e0ba9763e9b2558c94a345e93da0621c681ef32d5"
    digest = hashlib.sha256()
    for seed in range(6):
        clip = make_clip(seed)
        for kind in KINDS:
            digest.update(counterfactual(clip, kind).video.numpy().tobytes())
    assert digest.hexdigest() == "aabc5212681ee3297fa657675d3c30e225404383e31c61af577df3a06553d6bb"


def test_the_plain_worlds_recipe_is_what_it_always_was() -> None:
    """Caches of the plain world stay valid: its recipe has no word of what the wide world adds."""
    assert set(PhysicsConfig().recipe()) == {
        *("size", "frames", "frame_rate", "context_frames", "bodies", "body_weights", "radius", "speed", "gravity"),
        *("push", "push_probability", "elasticity"),
    }
    assert {"looks"} == set(WIDE.recipe()) - set(PhysicsConfig().recipe())
    assert PhysicsConfig(colours=("red", "green", "blue")).recipe()["colours"] == ("red", "green", "blue")
    rows = [PhysicsClips(config=c, split="train", first=0, count=1).row_recipes() for c in (PhysicsConfig(), WIDE)]
    assert rows[0] != rows[1]


def test_training_leaves_out_what_is_kept_for_tests() -> None:
    """Of a thousand scenes of the wide world none has four bodies, upward gravity, a body faster than 20, a bar, rings,
    or a red body before a blue backdrop; yet each of its other families, tints and colours occurs."""
    scenes = _scenes(WIDE, 1000)
    assert {len(scene.bodies) for scene in scenes} == {1, 2, 3}
    assert all(10 <= scene.gravity[1] <= 40 for scene in scenes)
    assert max(np.linalg.norm(scene.velocities, axis=1).max() for scene in scenes) <= 20
    assert all(scene.look.bar is None for scene in scenes)
    families = {scene.look.backdrop.family for scene in scenes}
    assert families == set(FAMILIES) - {"rings"}
    red = [scene for scene in scenes if "red" in {body.colour for body in scene.bodies}]
    before = {max(tinge(colour, "blue") for colour in scene.look.backdrop.colours) for scene in red}
    assert max(before) <= FAINT < STRONG < max(tinge(s.look.backdrop.colours[0], "blue") for s in scenes)
    assert {body.colour for scene in scenes for body in scene.bodies} == set(COLOURS)
    radii = [body.radius for scene in scenes for body in scene.bodies]
    assert min(radii) < 2.1 and max(radii) > 8.9


@pytest.mark.parametrize("stage", ["vae", "vae_sharp", "transformer"])
def test_the_second_edition_trains_in_the_wide_world(stage: str) -> None:
    """Every world that a stage's recipe names is the wide one, whose scenes leave out what is kept for tests."""
    found: list[dict[str, Any]] = []

    def gather(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("_target_") == "foresight.physics.PhysicsConfig":
                found.append(part)
            for value in part.values():
                gather(value)

    gather(resolve("train", [f"experiment=tiny/second/{stage}"]))
    assert found and all(instantiate(world, _convert_="all") == WIDE for world in found)


@pytest.mark.parametrize("name", ["four_bodies", "upward", "fast", "occluder", "red_on_blue", "rings"])
def test_each_world_never_trained_on_differs_in_what_it_is_named_after(name: str) -> None:
    """Every scene of it lies outside of the wide world in that one respect."""
    for scene in _scenes(_world(f"wide_{name}"), 60):
        look = scene.look
        told = {
            "four_bodies": len(scene.bodies) == 4,
            "upward": scene.gravity[1] <= -10,
            "fast": np.linalg.norm(scene.velocities, axis=1).min() >= 20,
            "occluder": look.bar is not None and 8 <= look.bar.width <= 14,
            "red_on_blue": scene.bodies[0].colour in ("red", "green")
            and {body.colour for body in scene.bodies} == {"red", "green"}
            and min(tinge(colour, "blue") for colour in look.backdrop.colours) >= STRONG,
            "rings": look.backdrop.family == "rings",
        }
        assert [other for other in told if told[other]] == [name]


def test_bodies_stand_out_from_every_backdrop() -> None:
    """Both colours of a backdrop and the one between them are at least 95 of 255 away from every body's."""
    for scene in _scenes(WIDE, 300):
        first, second = np.asarray(scene.look.backdrop.colours)
        for share in (0.0, 0.5, 1.0):
            away = np.linalg.norm(first + share * (second - first) - np.asarray(list(COLOURS.values())), axis=1)
            assert away.min() >= (95 if scene.look.backdrop != Backdrop() else 80)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_backdrop_mixes_its_two_colours(family: Any) -> None:
    """Every pixel lies between them, both are nearly reached but of one, and the same backdrop is the same picture."""
    backdrop = Backdrop(family, ((40.0, 60.0, 80.0), (100.0, 90.0, 140.0)), 20.0, 0.4, (0.3, 0.6), 7)
    picture = backdrop.draw(64)
    share = (picture[..., 0] - 40) / 60
    assert share.min() > -1e-5 and share.max() < 1 + 1e-5 and picture.shape == (64, 64, 3)
    assert np.allclose(picture[..., 1], 60 + 30 * share, atol=1e-3)
    assert np.array_equal(picture, backdrop.draw(64))
    assert (share.max() == 0) if family == "plain" else share.min() < 0.2 and share.max() > 0.8


def test_a_look_is_drawn_behind_before_and_over_the_bodies() -> None:
    """Light dims everything by one factor, the bar hides what is behind it, noise has its strength and is of its own
    in each frame."""
    bodies, places = (Body("box", "red", 6.0),), np.full((3, 1, 2), 32.0, np.float32)
    plain = render(places, bodies, 64).float()
    dim = render(places, bodies, 64, Look(brightness=0.5)).float()
    assert (dim - plain / 2).abs().max() <= 1
    barred = render(places, bodies, 64, Look(bar=Bar(30.0, 4.0, (1.0, 2.0, 3.0))))
    assert torch.equal(barred[:, 0, 5, 31], torch.tensor([1, 2, 3], dtype=torch.uint8))
    assert torch.equal(barred[:, 0, 32, 31], barred[:, 0, 5, 31])
    assert barred[0, 0, 32, 36:38].tolist() == [230, 230]
    noisy = render(places, bodies, 64, Look(noise=4.0, seed=3))
    assert (noisy.float() - plain).std().item() == pytest.approx(4.0, rel=0.05)
    assert not torch.equal(noisy[:, 0], noisy[:, 1])
    later = render(places[1:], bodies, 64, Look(noise=4.0, seed=3), range(1, 3))
    assert torch.equal(later, noisy[:, 1:])


@pytest.mark.parametrize("kind", list(KINDS))
def test_counterfactuals_of_the_wide_world_keep_their_context(kind: Any) -> None:
    """Context bit for bit; in the future nothing but the bodies changes, neither backdrop nor camera noise."""
    noisy = replace(WIDE, looks=Looks(noisy=1.0))
    for seed in (0, 4, 9, 16):
        clip = make_clip(seed, noisy)
        other = counterfactual(clip, kind)
        assert torch.equal(other.video[:, :9], clip.video[:, :9]) and other.scene.look == clip.scene.look
        changed = (other.video[:, 9:] != clip.video[:, 9:]).any(dim=0).float().mean()
        assert 0 < changed < 0.5


def test_other_gravity_is_another_where_it_points_upwards() -> None:
    """Upwards is no other gravity for a world in which it points there already."""
    for seed in range(12):
        clip = make_clip(seed, _world("wide_upward"))
        other = counterfactual(clip, "other_gravity")
        assert (other.velocities[12:16] - clip.velocities[12:16]).norm(dim=-1).max() > 1


def test_tracking_finds_true_centres_before_every_backdrop() -> None:
    """On true videos of the wide world the tracker is right to half a pixel and misses next to nothing; told nothing of
    the look it is not."""
    errors, missed, blind = [], [], []
    for seed in range(60):
        clip = make_clip(seed, WIDE)
        found = track(clip.tensor, clip.bodies, clip.scene.look)
        errors.append(position_error(found.positions, clip.positions).mean())
        missed.append(found.missed.float().mean())
        blind.append(position_error(track(clip.tensor, clip.bodies).positions, clip.positions).mean())
    assert torch.stack(errors).mean() < 0.5 and torch.stack(missed).mean() < 0.005
    assert torch.stack(blind).mean() > 2 * torch.stack(errors).mean()


@pytest.mark.parametrize(
    "change", [{"families": ()}, {"families": ("paisley",)}, {"tint": "mauve"}, {"apart": ("red", "mauve")}]
)
def test_impossible_looks_are_refused(change: Any) -> None:
    """Families and tints are those that there are."""
    with pytest.raises(ValueError, match="expected"):
        Looks(**change)


def test_worlds_of_fewer_colours() -> None:
    """Bodies have the colours that are asked for, each at most once, and never one that there is not."""
    world = PhysicsConfig(colours=("red", "green"), bodies=(1, 2), body_weights=(1.0, 1.0))
    assert {body.colour for scene in _scenes(world, 20) for body in scene.bodies} == {"red", "green"}
    with pytest.raises(ValueError, match="at most 2 bodies"):
        PhysicsConfig(colours=("red", "green"))
    with pytest.raises(ValueError, match="mauve"):
        PhysicsConfig(colours=("red", "green", "mauve"))
