import math

import pytest
import torch
from torch import Tensor

from ltx.flow.guidance import Branches, GuidedDenoiser, cfg, cfg_star, combine, rescale, stg
from ltx.flow.guidance_schedule import Guidance, GuidanceSchedule
from ltx.flow.schedule import linear_quadratic
from ltx.flow.skip_mode import SkipMode

TIMES = (1.0, 0.996, 0.9933, 0.985, 0.9767, 0.9008, 0.618)


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1)


def test_cfg() -> None:
    """v_neg + g·(v_pos − v_neg)."""
    assert cfg(row(2, 4), row(1, 1), 3).flatten().tolist() == [4, 10]


def test_cfg_star() -> None:
    """The negative velocity is scaled by ⟨v_pos, v_neg⟩ / ‖v_neg‖², for each sample by itself."""
    positive = torch.cat([row(3, 1), row(1, 0)])
    negative = torch.cat([row(1, 1), row(0, 5)])
    torch.testing.assert_close(cfg_star(positive, negative), torch.cat([row(2, 2), row(0, 0)]))


def test_stg() -> None:
    """v + s·(v_pos − v_ptb)."""
    assert stg(row(10, 20), row(2, 4), row(1, 1), 2).flatten().tolist() == [12, 26]


def test_rescale() -> None:
    """The factor is r·std(v_pos)/std(v) + 1 − r: with a ratio of 1/4 and r = 1/2, 5/8."""
    torch.testing.assert_close(rescale(row(8, 0), row(2, 0), 0.5), row(5, 0))


def test_combine_by_hand() -> None:
    """Projection, classifier-free guidance, STG, rescaling, in this order."""
    positive, negative, perturbed = row(3, 1), row(1, 1), row(2, 1)
    guidance = Guidance(scale=3, stg_scale=2, rescale=0.5, perturbed_blocks=(1,), cfg_star=True)
    # α = 2, so cfg gives (2, 2) + 3·(1, −1) = (5, −1) and STG (7, −1); the ratio of the deviations is 1/4.
    assert math.isclose(float(positive.std() / row(7, -1).std()), 0.25, rel_tol=1e-6)
    torch.testing.assert_close(combine(Branches(positive, negative, perturbed), guidance), row(7, -1) * 0.625)


def test_combine_switches() -> None:
    """A rescale of 1 is off, without STG nothing is rescaled, and without guidance the positive branch remains."""
    positive, negative, perturbed = row(3, 1), row(1, 1), row(2, 1)
    only_stg = Guidance(stg_scale=2, rescale=1, perturbed_blocks=(1,))
    assert combine(Branches(positive, perturbed=perturbed), only_stg).flatten().tolist() == [5, 1]
    only_cfg = Guidance(scale=3, rescale=0.5)
    assert combine(Branches(positive, negative), only_cfg).flatten().tolist() == [7, 1]
    assert combine(Branches(positive), Guidance()).flatten().tolist() == [3, 1]


def test_rescaling_without_blocks() -> None:
    """With STG on and no block to perturb nothing is added, but the spread is pulled to the positive branch's."""
    positive, negative = row(3, 1), row(1, 1)
    guidance = Guidance(scale=3, stg_scale=2, rescale=0.5)
    # cfg gives (1, 1) + 3·(2, 0) = (7, 1); the ratio of the deviations is 1/3, the factor 0.5/3 + 0.5.
    assert not guidance.uses_stg
    torch.testing.assert_close(combine(Branches(positive, negative), guidance), row(7, 1) * (0.5 / 3 + 0.5))


def test_modes_by_name() -> None:
    """A guidance knows the modes by every name of theirs, and lists them for another."""
    assert Guidance(skip_mode="STG_T").skip_mode is SkipMode.TRANSFORMER_BLOCK
    assert Guidance(skip_mode="attention_skip").skip_mode is SkipMode.ATTENTION_SKIP
    with pytest.raises(ValueError, match=r"one of attention_values, .*stg_t; got 'stg_x'"):
        Guidance(skip_mode="stg_x")


def test_combine_refuses() -> None:
    """A missing or a superfluous branch is an error."""
    with pytest.raises(ValueError, match="expected exactly the branches"):
        combine(Branches(row(1, 2)), Guidance(scale=3))
    with pytest.raises(ValueError, match="expected exactly the branches"):
        combine(Branches(row(1, 2), perturbed=row(1, 2)), Guidance())


def test_13b_steps() -> None:
    """The 27 steps of the 13B first pass use the entries that the official code uses."""
    schedule = GuidanceSchedule((Guidance(),) * 7, TIMES)
    indices = [schedule.index(float(t)) for t in linear_quadratic(30)[:27]]
    assert indices == [0] + [1] * 2 + [2] * 2 + [3] * 5 + [4] * 4 + [5] * 5 + [6] * 8


def test_guided_denoiser() -> None:
    """Only branches with weight at the step's time are computed."""
    asked: list[tuple[bool, tuple[int, ...]]] = []

    def branches(
        tokens: Tensor, timesteps: Tensor, *, negative: bool, perturbed_blocks: tuple[int, ...], skip_mode: SkipMode
    ) -> Branches:
        assert skip_mode is SkipMode.ATTENTION_VALUES
        asked.append((negative, perturbed_blocks))
        return Branches(tokens, tokens if negative else None, tokens if perturbed_blocks else None)

    schedule = GuidanceSchedule.from_lists(
        scale=[1, 6, 8, 6, 1, 1],
        stg_scale=[0, 0, 4, 4, 2, 1],
        rescale=1,
        skip_blocks=[[], [11], [22, 35], [28], [28], [28]],
        cfg_star=True,
        from_times=TIMES[:6],
    )
    denoiser = GuidedDenoiser(branches, schedule)
    for time in (1.0, 0.997, 0.994, 0.5):
        denoiser(row(1, 2), torch.tensor([[0.0, time]]))
    assert asked == [(False, ()), (True, ()), (True, (22, 35)), (False, (28,))]


def test_plan_refuses() -> None:
    """Strengths out of range, lists of another length and times that do not descend are refused."""
    for arguments in ({"scale": 0.5}, {"stg_scale": -1.0}, {"rescale": 1.5}):
        with pytest.raises(ValueError, match="expected a guidance scale"):
            Guidance(**arguments)
    with pytest.raises(ValueError, match="as many times"):
        GuidanceSchedule((Guidance(),), (1.0, 0.5))
    with pytest.raises(ValueError, match="descending"):
        GuidanceSchedule((Guidance(),) * 2, (0.5, 1.0))


@pytest.mark.parametrize("guidance", [Guidance(), Guidance(scale=2), Guidance(stg_scale=1, perturbed_blocks=(1,))])
@pytest.mark.parametrize("negative", [None, row(1, 2)])
@pytest.mark.parametrize("perturbed", [None, row(1, 2)])
def test_exactly_the_branches_with_weight_are_taken(
    guidance: Guidance, negative: Tensor | None, perturbed: Tensor | None
) -> None:
    """One too many is refused like one too few."""
    branches = Branches(row(1, 3), negative, perturbed)
    if guidance.uses_cfg == (negative is not None) and guidance.uses_stg == (perturbed is not None):
        assert combine(branches, guidance).shape == (1, 2, 1)
    else:
        with pytest.raises(ValueError, match="expected exactly the branches"):
            combine(branches, guidance)


def test_an_entry_holds_from_its_time_on() -> None:
    """A time that is off by less than a millionth is the same; below the last, the last holds."""
    schedule = GuidanceSchedule((Guidance(),) * 2, (0.75, 0.5))
    assert [schedule.index(t) for t in (1.0, 0.75, 0.75 - 5e-7, 0.75 - 2e-6, 0.5, 0.1)] == [0, 0, 0, 1, 1, 1]


def test_what_has_weight() -> None:
    """Guidance above 1; STG above 0 with blocks; rescaling with STG where it is not 1."""
    assert not Guidance().uses_cfg and Guidance(scale=1.01).uses_cfg
    assert not Guidance(perturbed_blocks=(1,)).uses_stg and not Guidance(stg_scale=1).uses_stg
    assert Guidance(stg_scale=1, perturbed_blocks=(1,)).uses_stg
    assert not Guidance(rescale=0.5).rescales and not Guidance(stg_scale=1).rescales
    assert Guidance(stg_scale=1, rescale=0.5).rescales
    mixed = GuidanceSchedule((Guidance(), Guidance(scale=2)), (1.0, 0.5))
    assert mixed.uses_cfg and not GuidanceSchedule.constant(Guidance()).uses_cfg


def test_lists_of_a_plan() -> None:
    """Numbers and flat lists of blocks hold at every time; lists have one value for each."""
    rest = {"stg_scale": [1, 2], "rescale": 0.5, "cfg_star": False, "from_times": (1.0, 0.5)}
    flat = GuidanceSchedule.from_lists(scale=3, skip_blocks=[4, 5], **rest)
    assert [(e.scale, e.stg_scale, e.rescale, e.perturbed_blocks) for e in flat.entries] == [
        (3, 1, 0.5, (4, 5)),
        (3, 2, 0.5, (4, 5)),
    ]
    none = GuidanceSchedule.from_lists(scale=[1, 2], skip_blocks=[], **rest)
    assert [(e.scale, e.perturbed_blocks) for e in none.entries] == [(1, ()), (2, ())]
    for change in ({"scale": [1]}, {"skip_blocks": [[1]]}):
        with pytest.raises(ValueError, match=r"for each of 2 guidance times, got 1"):
            GuidanceSchedule.from_lists(**{"scale": 1, "skip_blocks": [], **rest, **change})
