import pytest
import torch
from torch import Tensor

from ltx.flow.sampler import Progress, StochasticStep, euler_step, next_times, sample


def ones(tokens: Tensor, timesteps: Tensor) -> Tensor:
    return torch.ones_like(tokens)


def test_euler_step_by_hand() -> None:
    """Every token moves by its own time difference: x − (t − s)·v."""
    moved = euler_step(
        torch.tensor([[[1.0], [2.0]]]),
        torch.tensor([[[2.0], [4.0]]]),
        torch.tensor([[1.0, 0.5]]),
        torch.tensor([[0.5, 0.5]]),
    )
    assert moved.flatten().tolist() == [0, 2]


def test_next_times() -> None:
    """The next time is the largest below the token's own, on the grid or not; 0 stays 0."""
    sigmas = torch.tensor([1.0, 0.75, 0.25])
    times = next_times(torch.tensor([[1.0, 0.75, 0.6, 0.25, 0.1, 0.0]]), sigmas)
    assert times.tolist() == [[0.75, 0.25, 0.25, 0, 0, 0]]


def test_kept_tokens() -> None:
    """Tokens of strength 1 are shown at time 0 and do not move; free ones integrate the velocity over [0, 1]."""
    shown: list[list[float]] = []

    def denoiser(tokens: Tensor, timesteps: Tensor) -> Tensor:
        shown.append(timesteps[0].tolist())
        return torch.ones_like(tokens)

    out = sample(denoiser, torch.full((1, 2, 1), 3.0), torch.tensor([1.0, 0.5]), strength=torch.tensor([[1.0, 0.0]]))
    assert out.flatten().tolist() == [3, 2]
    assert shown == [[0, 1], [0, 0.5]]


def test_partial_strength() -> None:
    """A token of strength 1/2 is held at time 1/2 until the grid is at or below it, and then moves to 0."""
    values: list[float] = []

    def note(progress: Progress) -> None:
        values.append(float(progress.tokens))

    sample(
        ones,
        torch.full((1, 1, 1), 3.0),
        torch.tensor([1.0, 0.75, 0.5, 0.25]),
        strength=torch.tensor([[0.5]]),
        on_step=note,
    )
    assert values == pytest.approx([3, 3, 2.75, 2.5])


def test_stochastic_step_by_hand() -> None:
    """The clean tokens x − t·v are noised again: (1 − s)·x_0 + s·ε."""
    x_t, velocity = torch.full((1, 2, 3), 2.0), torch.full((1, 2, 3), 1.0)
    t, s = torch.full((1, 2), 0.5), torch.full((1, 2), 0.25)
    moved = StochasticStep(torch.Generator().manual_seed(3))(x_t, velocity, t, s)
    noise = torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(moved, 0.75 * 1.5 + 0.25 * noise)


def test_stochastic_step_ends_clean() -> None:
    """At s = 0 no noise is left, and a token at time 0 keeps its value."""
    step = StochasticStep(torch.Generator().manual_seed(3))
    moved = step(torch.full((1, 2, 1), 2.0), torch.ones(1, 2, 1), torch.tensor([[0.5, 0.0]]), torch.zeros(1, 2))
    assert moved.flatten().tolist() == [1.5, 2]


def test_before_step() -> None:
    """Tokens may be replaced before each step, at the step's time."""
    seen: list[float] = []

    def reset(tokens: Tensor, sigma: float) -> Tensor:
        seen.append(sigma)
        return torch.zeros_like(tokens)

    out = sample(ones, torch.ones(1, 1, 1), torch.tensor([1.0, 0.25]), before_step=reset)
    assert seen == [1, 0.25]
    assert out.item() == -0.25
