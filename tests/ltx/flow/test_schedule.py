import math

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from ltx.flow.schedule import (
    check_allowed,
    explicit,
    linear_quadratic,
    shift,
    skip_steps,
    stretch,
    token_shift,
    uniform,
)

LINEAR_QUADRATIC = {
    1: [1.0],
    2: [1.0, 0.975],
    8: [1, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875],
    10: [1, 0.995, 0.99, 0.985, 0.98, 0.975, 0.932, 0.813, 0.618, 0.347],
}
EXPONENTS = {256: 0.675, 1024: 0.95, 2048: 1.316667, 4096: 2.05, 8064: 3.470833, 12000: 4.880208, 13376: 5.372917}
STRETCHED = {
    8064: [1, 0.977734, 0.948351, 0.907788, 0.848167, 0.751932, 0.570409, 0.1],
    13376: [0.999998, 0.981048, 0.955819, 0.920572, 0.867866, 0.780449, 0.607221, 0.1],
}


@pytest.mark.parametrize("steps", LINEAR_QUADRATIC)
def test_linear_quadratic_table(steps: int) -> None:
    """Linear-quadratic times are those of the official code."""
    expected = torch.tensor(LINEAR_QUADRATIC[steps], dtype=torch.float32)
    torch.testing.assert_close(linear_quadratic(steps), expected, rtol=0, atol=1e-6)


def test_linear_quadratic_last_times() -> None:
    """The 30- and 40-step grids end as in the official code."""
    assert linear_quadratic(30)[[16, 26, 29]].tolist() == pytest.approx([0.969111, 0.445778, 0.124111], abs=1e-6)
    assert linear_quadratic(40)[[21, 38, 39]].tolist() == pytest.approx([0.971375, 0.183, 0.093875], abs=1e-6)


def test_uniform() -> None:
    """Uniform times are 1, (N−1)/N, …, 1/N."""
    assert uniform(4).tolist() == [1, 0.75, 0.5, 0.25]
    assert uniform(1).tolist() == [1]


@pytest.mark.parametrize("tokens", EXPONENTS)
def test_token_shift(tokens: int) -> None:
    """The exponent is linear in the tokens, and not clamped below 1024 or above 4096."""
    assert token_shift(tokens) == pytest.approx(EXPONENTS[tokens], abs=1e-6)


def test_shift_by_hand() -> None:
    """With e^μ = 3 the time 1/2 becomes 3/4, and 1 stays 1."""
    assert shift(torch.tensor([1.0, 0.5]), math.log(3)).tolist() == pytest.approx([1, 0.75])


@pytest.mark.parametrize("tokens", STRETCHED)
def test_shift_and_stretch(tokens: int) -> None:
    """Shifted and stretched times are those of the official code and of diffusers, and end at 0.1."""
    ours = stretch(shift(uniform(8), token_shift(tokens)), 0.1)
    scheduler = FlowMatchEulerDiscreteScheduler(
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        base_shift=0.95,
        max_shift=2.05,
        shift_terminal=0.1,
        use_dynamic_shifting=True,
    )
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 8, 8), mu=token_shift(tokens))
    assert ours.tolist() == pytest.approx(STRETCHED[tokens], abs=3e-6)
    assert ours.tolist() == pytest.approx(scheduler.sigmas[:-1].tolist(), abs=3e-6)


def test_skip_steps() -> None:
    """Steps are cut at both ends; the 13B second pass starts at 0.954778 and has 13 steps."""
    assert skip_steps(uniform(4), initial=1, final=1).tolist() == [0.75, 0.5]
    second = skip_steps(linear_quadratic(30), initial=17, final=0)
    assert len(second) == 13
    assert float(second[0]) == pytest.approx(0.954778, abs=1e-6)


@pytest.mark.parametrize(("initial", "final"), [(2, 2), (4, 0), (-1, 0), (0, -1)])
def test_skip_steps_refuses(initial: int, final: int) -> None:
    """At least one step is left, and counts are not negative."""
    with pytest.raises(ValueError, match="expected to skip fewer"):
        skip_steps(uniform(4), initial=initial, final=final)


@pytest.mark.parametrize("times", [[], [0.5, 0.5], [0.5, 0.7], [1.1, 0.5], [0.5, 0.0]])
def test_explicit_refuses(times: list[float]) -> None:
    """A given list is strictly descending within (0, 1]."""
    with pytest.raises(ValueError, match="strictly descending"):
        explicit(times)


def test_allowed_times() -> None:
    """Times are compared with the allowed ones after rounding to 4 decimals."""
    check_allowed(torch.tensor([1.0, 0.99374]), [1.0, 0.9937])
    with pytest.raises(ValueError, match=r"got \[0.5\]"):
        check_allowed(torch.tensor([1.0, 0.5]), [1.0, 0.9937])


def test_other_errors() -> None:
    """No steps, no tokens, a terminal outside (0, 1) and a grid that cannot be stretched are refused."""
    for call in (
        lambda: uniform(0),
        lambda: linear_quadratic(0),
        lambda: token_shift(0),
        lambda: stretch(uniform(2), 1.0),
        lambda: stretch(torch.ones(1), 0.1),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
