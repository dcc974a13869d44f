from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from foresight.physics import COLOURS, DIRECTIONS, KINDS, Action, Body, PhysicsConfig, Scene, counterfactual, make_clip
from foresight.physics.clip import clip_of_scene
from foresight.physics.language import all_instructions, all_paraphrases, instruction
from foresight.physics.look import PLAIN
from foresight.physics.render import render
from foresight.physics.scene import sample_scene
from foresight.physics.tracking import ballistic, position_error, track

CONFIG = PhysicsConfig()
BACKGROUND = PLAIN.backdrop.colours[0]


def _scene(velocity, gravity=(0.0, 0.0), action=None, position=(32.0, 32.0)):
    bodies = (Body("ball", "red", 6.0),)
    return Scene(bodies, np.array([position]), np.array([velocity]), gravity, action)


def test_a_seed_is_a_clip() -> None:
    """The same seed gives the same clip, another seed another one."""
    one, same, other = make_clip(5), make_clip(5), make_clip(6)
    assert torch.equal(one.video, same.video) and one.instruction == same.instruction
    assert not torch.equal(one.video, other.video)


def test_free_flight_is_uniform() -> None:
    """Without gravity a body moves by velocity / frame rate each frame."""
    clip = clip_of_scene(_scene((8.0, -4.0)), CONFIG, 0)
    expected = torch.tensor([32.0, 32.0]) + torch.arange(9)[:, None] / 8 * torch.tensor([8.0, -4.0])
    assert torch.allclose(clip.positions[:9, 0], expected, atol=1e-3)


def test_gravity_accelerates_downwards() -> None:
    """After one second from rest, g/2 pixels further down (the integrator's step error aside)."""
    clip = clip_of_scene(_scene((0.0, 0.0), gravity=(0.0, 24.0), position=(32.0, 10.0)), CONFIG, 0)
    assert clip.positions[8, 0, 1].item() == pytest.approx(10 + 12, abs=0.2)


def test_walls_reflect() -> None:
    """A body comes back with the product of both elasticities as its share of speed, and never leaves the box."""
    clip = clip_of_scene(_scene((20.0, 0.0)), CONFIG, 0)
    assert clip.velocities[-1, 0, 0].item() == pytest.approx(-20 * CONFIG.elasticity**2, rel=1e-3)
    assert clip.positions[..., 0].max() <= CONFIG.size - 6.0 + 0.2


def test_balls_glance_off_and_boxes_meet_flat() -> None:
    """One body moves right at 40 towards one at rest, 8.5 lower. Balls of radius 5 touch along a slanted line, and the
    hit one leaves downwards too; boxes meet side to side, and it leaves straight. One gains what the other loses."""
    for shape, slanted in (("ball", True), ("box", False)):
        scene = Scene(
            (Body(shape, "red", 5.0), Body(shape, "blue", 5.0)),
            np.array([[15.0, 28.0], [40.0, 36.5]]),
            np.array([[40.0, 0.0], [0.0, 0.0]]),
            (0.0, 0.0),
            None,
        )
        hitting, hit = clip_of_scene(scene, CONFIG, 0).velocities[6]
        assert torch.allclose(hitting + hit, torch.tensor([40.0, 0.0]), atol=0.1)
        assert hit[0] > 5 and (hit[1] > 5 and hitting[1] < -5) == slanted and (abs(hit[1]) < 0.1) != slanted


def test_scenes_begin_without_overlap_inside_the_box() -> None:
    """Colours differ, no two bodies touch even corner to corner, and all lie a pixel or more from the walls."""
    for seed in range(200):
        scene = sample_scene(np.random.default_rng(seed), PhysicsConfig())
        radii = np.array([body.radius for body in scene.bodies])
        assert len({body.colour for body in scene.bodies}) == len(radii)
        assert (scene.positions >= radii[:, None] + 1).all() and (scene.positions <= 64 - radii[:, None] - 1).all()
        for one, other in combinations(range(len(radii)), 2):
            apart = np.linalg.norm(scene.positions[one] - scene.positions[other])
            assert apart > 2**0.5 * (radii[one] + radii[other])


@pytest.mark.parametrize("direction", list(DIRECTIONS))
def test_a_push_changes_velocity_at_the_action_frame(direction: Any) -> None:
    """Before the push nothing moves; after it the body flies with exactly the push's velocity."""
    clip = clip_of_scene(_scene((0.0, 0.0), action=Action(0, direction)), CONFIG, 0)
    assert torch.equal(clip.positions[8], clip.positions[0])
    step = (clip.positions[9] - clip.positions[8])[0] * CONFIG.frame_rate
    assert torch.allclose(step, CONFIG.push * torch.tensor(DIRECTIONS[direction]), atol=1e-2)


def test_rendering_covers_the_exact_area() -> None:
    """Summed coverage equals the body's area to two percent; a body at NaN is left out."""
    bodies = (Body("ball", "red", 7.3), Body("box", "blue", 5.2))
    for index, area in ((0, np.pi * 7.3**2), (1, (2 * 5.2) ** 2)):
        positions = np.full((1, 2, 2), np.nan)
        positions[0, index] = (30.4, 21.7)
        picture = render(positions, bodies, 64).double()
        background = torch.tensor(BACKGROUND).view(3, 1, 1, 1)
        colour = torch.tensor(COLOURS[bodies[index].colour]).view(3, 1, 1, 1)
        coverage = ((picture - background) / (colour - background))[2].sum().item()
        assert coverage == pytest.approx(area, rel=0.02)


@pytest.mark.parametrize("kind", list(KINDS))
def test_counterfactuals_keep_the_context_and_change_the_future(kind: Any) -> None:
    """Context frames and instruction stay bit for bit; some future frame differs; the same call gives the same clip."""
    for seed in range(8):
        clip = make_clip(seed)
        other, again = counterfactual(clip, kind), counterfactual(clip, kind)
        assert torch.equal(other.video[:, :9], clip.video[:, :9]) and other.instruction == clip.instruction
        assert not torch.equal(other.video[:, 9:], clip.video[:, 9:])
        assert torch.equal(other.video, again.video)


def test_a_slight_push_is_half_as_strong_or_half_as_strong_again() -> None:
    """From rest, one frame later: 15 or 45 of 30 pixels a second, and both occur; without a push there is half."""
    found = set()
    for seed in range(16):
        clip = clip_of_scene(_scene((0.0, 0.0), action=Action(0, "left")), CONFIG, seed)
        other = counterfactual(clip, "slight_push")
        found.add(round(float((other.positions[9] - clip.positions[8])[0, 0]) * CONFIG.frame_rate))
    assert found == {-15, -45}
    other = counterfactual(clip_of_scene(_scene((0.0, 0.0)), CONFIG, 0), "slight_push")
    assert float((other.positions[9, 0] - 32).norm()) * CONFIG.frame_rate == pytest.approx(15, abs=0.1)


def test_other_gravity_starts_from_the_true_state() -> None:
    """The first counterfactual frame is where half a frame of either gravity may bring a body, not a jump."""
    clip = make_clip(3)
    other = counterfactual(clip, "other_gravity")
    assert (other.positions[9] - clip.positions[9]).norm(dim=-1).max() < 2.0


def test_a_teleported_body_keeps_its_path_a_third_of_the_picture_away() -> None:
    """One step of size / 3 in some direction, the same at every frame, around the walls where it leaves the picture."""
    for seed in range(8):
        clip = make_clip(seed)
        other = counterfactual(clip, "teleport")
        shifts = (other.positions - clip.positions)[9:].double().numpy()
        (index,) = [body for body in range(len(clip.bodies)) if np.any(shifts[:, body])]
        radius, size = clip.bodies[index].radius, clip.config.size
        places = other.positions[9:, index]
        assert places.min() >= radius - 1e-4 and places.max() <= size - radius + 1e-4
        span = size - 2 * radius
        step = np.mod(shifts[:, index] + span / 2, span) - span / 2
        assert np.abs(step - step[0]).max() < 1e-3
        ways = [abs(value) for value in step[0]], [span - abs(value) for value in step[0]]
        lengths = [np.hypot(ways[across][0], ways[down][1]) for across in (0, 1) for down in (0, 1)]
        assert min(abs(length - size / 3) for length in lengths) < 1e-3


def test_unknown_kind_is_refused() -> None:
    """The error lists the kinds."""
    with pytest.raises(ValueError, match="reversed"):
        counterfactual(make_clip(0), "magic")


def test_tracking_finds_true_centres() -> None:
    """On true videos the tracker is right to a third of a pixel and misses nothing."""
    errors = []
    for seed in range(20):
        clip = make_clip(seed)
        found = track(clip.tensor, clip.bodies)
        assert not found.missed.any()
        errors.append(position_error(found.positions, clip.positions).mean())
    assert torch.stack(errors).mean() < 0.33


def test_tracking_misses_what_is_not_there() -> None:
    """In an empty box the body is missed and placed in the middle."""
    clip = make_clip(1)
    empty = clip.tensor * 0 + torch.tensor(BACKGROUND).view(3, 1, 1, 1) / 127.5 - 1
    found = track(empty, clip.bodies)
    assert found.missed.all() and torch.equal(found.positions, torch.full_like(found.positions, 32.0))


def test_ballistic_flight_is_right_without_walls() -> None:
    """A body that touches nothing flies ballistically, push included."""
    scene = _scene((0.0, 0.0), gravity=(0.0, 10.0), action=Action(0, "up"), position=(32.0, 20.0))
    config = replace(CONFIG, push=12.0)
    clip = clip_of_scene(scene, config, 0)
    flight = ballistic(clip.positions[8], clip.velocities[8], scene, config)
    assert position_error(flight, clip.positions[9:])[:8].max() < 0.6


def test_instructions_are_distinct() -> None:
    """33 instructions, no sentence used for two of them."""
    groups = all_paraphrases()
    assert len(groups) == 33
    assert sum(len(set(group)) for group in groups) == len({sentence for group in groups for sentence in group})
    assert all_instructions()[0] == instruction(None, ())


@pytest.mark.parametrize(
    "change", [{"bodies": (1, 2)}, {"context_frames": 25}, {"bodies": (5,), "body_weights": (1.0,)}]
)
def test_impossible_worlds_are_refused(change: Any) -> None:
    """Weights for each count, a future after the context, a colour per body."""
    with pytest.raises(ValueError, match="expected"):
        replace(CONFIG, **change)


def test_the_smallest_and_largest_worlds_are_possible() -> None:
    """One given frame, one future frame, and as many bodies as there are colours; without a given frame no world."""
    replace(CONFIG, context_frames=1)
    replace(CONFIG, context_frames=24)
    replace(CONFIG, bodies=(4,), body_weights=(1.0,))
    with pytest.raises(ValueError, match="got 0 and 25"):
        replace(CONFIG, context_frames=0)


def test_scenes_are_drawn_from_the_whole_distribution() -> None:
    """Speeds of 3 to 20 in all directions, weights that need not add to 1, pushes as often as asked for."""
    config = replace(CONFIG, body_weights=(4.0, 4.0, 2.0))
    scenes = [sample_scene(np.random.default_rng(seed), config) for seed in range(60)]
    speeds = np.concatenate([np.linalg.norm(scene.velocities, axis=1) for scene in scenes])
    assert speeds.min() >= 3 and speeds.max() <= 20 and speeds.max() - speeds.min() > 15
    assert len({tuple(np.sign(velocity)) for scene in scenes for velocity in scene.velocities}) == 4
    assert {len(scene.bodies) for scene in scenes} == {1, 2, 3}
    for probability, pushed in ((0.0, {False}), (1.0, {True})):
        config = replace(CONFIG, push_probability=probability)
        assert {sample_scene(np.random.default_rng(seed), config).action is not None for seed in range(9)} == pushed


@pytest.mark.parametrize("velocity", [(30.0, 0.0), (-30.0, 0.0), (0.0, 30.0), (0.0, -30.0)])
def test_every_wall_reflects(velocity: Any) -> None:
    """A ball of radius 6 comes within a fifth of a pixel of 6 or 58, turns round there, and stays on its line."""
    positions = clip_of_scene(_scene(velocity), CONFIG, 0).positions[:, 0]
    along = positions[:, 0] if velocity[0] else positions[:, 1]
    across = positions[:, 1] if velocity[0] else positions[:, 0]
    assert along.min() > 5.8 and along.max() < 58.2 and across.sub(32).abs().max() < 1e-3
    assert (along - 32).abs().max() > 22


def test_mass_grows_with_the_area() -> None:
    """A ball of radius 4 that hits one of twice the radius at rest: 16 · 40 = 16 · v + 64 · w, and it turns round."""
    scene = Scene(
        (Body("ball", "red", 4.0), Body("ball", "blue", 8.0)),
        np.array([[10.0, 32.0], [36.0, 32.0]]),
        np.array([[40.0, 0.0], [0.0, 0.0]]),
        (0.0, 0.0),
        None,
    )
    small, large = clip_of_scene(scene, CONFIG, 0).velocities[5, :, 0].tolist()
    assert 16 * small + 64 * large == pytest.approx(16 * 40, rel=1e-3) and small < -15 and large > 10


@pytest.mark.parametrize(("shape", "pixels", "missed"), [("ball", 58, False), ("ball", 48, True), ("box", 58, True)])
def test_a_quarter_of_a_body_must_be_seen(shape: str, pixels: int, missed: bool) -> None:
    """A ball of radius 8 has 201 pixels, a box of that half side 256: a quarter is 50 or 64."""
    video = (torch.tensor(BACKGROUND).view(3, 1, 1, 1) / 127.5 - 1).repeat(1, 1, 64, 64)
    video[:, :, 10:12, 20 : 20 + pixels // 2] = torch.tensor(COLOURS["red"]).view(3, 1, 1, 1) / 127.5 - 1
    found = track(video, (Body(shape, "red", 8.0),))
    assert bool(found.missed) is missed
    expected = [32.0, 32.0] if missed else [20 + pixels / 4, 11.0]
    assert found.positions[0, 0].tolist() == pytest.approx(expected, abs=1e-4)


def test_a_reversed_flight_has_the_opposite_velocity() -> None:
    """The future's velocities are those of the future that is shown, in pixels per second."""
    other = counterfactual(clip_of_scene(_scene((8.0, -4.0)), CONFIG, 0), "reversed")
    assert torch.allclose(other.velocities[10:24, 0], torch.tensor([-8.0, 4.0]), atol=1e-2)


def test_a_frozen_future_stays_at_the_last_context_frame() -> None:
    """Every later frame is the one that was given last."""
    clip = make_clip(2)
    other = counterfactual(clip, "frozen")
    assert torch.equal(other.positions[9:], clip.positions[8].expand(16, -1, -1))


def test_a_swapped_body_has_another_shape_and_a_free_colour() -> None:
    """A ball becomes a box and the other way round; where all four colours are used it keeps its own."""
    for bodies, weights in (((1, 2, 3), (0.4, 0.4, 0.2)), ((4,), (1.0,))):
        config = replace(CONFIG, bodies=bodies, body_weights=weights, radius=(3.0, 4.0))
        for seed in range(6):
            clip = make_clip(seed, config)
            other = counterfactual(clip, "swapped_object").bodies
            ((old, new),) = [pair for pair in zip(clip.bodies, other, strict=True) if pair[0] != pair[1]]
            assert {old.shape, new.shape} == {"ball", "box"} and old.radius == new.radius
            assert (new.colour not in {body.colour for body in clip.bodies}) is (len(clip.bodies) < 4)
