"""Low-rank updates of linear layers (LoRA, arXiv 2106.09685), apart from any model and file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.lora.modules import modules_of, parameters_of
from ltx.values import not_finite

LOST = 0.1
"""Most of a factor that a narrower type may lose, relative in the Frobenius norm; bfloat16 loses 0.002."""


@dataclass(frozen=True)
class LowRank:
    """The update (alpha / rank) · up · down of one weight.

    Attributes:
        down: `lora_A` of PEFT, `lora_down` of kohya.
        up: `lora_B` of PEFT, `lora_up` of kohya.
        alpha: strength; the update is scaled by alpha / rank.

    Raises:
        CheckpointError: if the two are no floating matrices that share a rank of at least 1, or alpha is 0 or not
            finite.
    """

    down: Float[Tensor, "rank input"]
    up: Float[Tensor, "output rank"]
    alpha: float

    def __post_init__(self) -> None:
        down, up = tuple(self.down.shape), tuple(self.up.shape)
        if len(down) != 2 or len(up) != 2 or down[0] != up[1] or not min(*down, *up):
            turned = len(down) == len(up) == 2 and down[1] == up[0] and down[0] > down[1] > 0
            raise CheckpointError(
                f"expected factors (rank, input) and (output, rank) of one rank ≥ 1, got {down} and {up}"
                + ("; they look transposed: transpose both" if turned else "")
            )
        if not (self.down.is_floating_point() and self.up.is_floating_point()):
            raise CheckpointError(f"expected factors of a floating type, got {self.down.dtype} and {self.up.dtype}")
        if not math.isfinite(self.alpha) or not self.alpha:
            raise CheckpointError(f"expected a finite alpha other than 0, got {self.alpha}")

    @property
    def rank(self) -> int:
        """Rank of the update."""
        return self.down.shape[0]

    @property
    def delta(self) -> Float[Tensor, "output input"]:
        """The update of the weight, float32."""
        return (self.alpha / self.rank) * (self.up.float() @ self.down.float())

    def folded(self) -> LowRank:
        """The same update with alpha = rank: for formats that carry no alpha, whose readers take the rank for it.

        The second factor keeps its type where that holds the products exactly, as it does for a scale that is a power
        of two; else it becomes float32, for a narrow type would lose part of the strength.
        """
        if self.alpha == self.rank:
            return self
        exact = self.up.float() * (self.alpha / self.rank)
        narrow = exact.to(self.up.dtype)
        return LowRank(self.down, narrow if torch.equal(narrow.float(), exact) else exact, float(self.rank))


@dataclass(frozen=True)
class LoRA:
    """Updates by official module name, such as `transformer_blocks.0.attn1.to_q`.

    An IC-LoRA (in-context conditioning on reference tokens) is the same thing: only its training differs.

    Attributes:
        updates: low-rank, by module.
        differences: whole, by parameter, such as `transformer_blocks.0.attn1.to_q.bias`: what some tools that extract a
            LoRA write for biases and norms.

    Raises:
        CheckpointError: if there is neither, or values are NaN or infinite.
    """

    updates: Mapping[str, LowRank]
    differences: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.updates and not self.differences:
            raise CheckpointError("expected a LoRA with at least one update, got none")
        parts = {f"{name}.{part}": getattr(one, part) for name, one in self.updates.items() for part in ("down", "up")}
        if broken := not_finite({**parts, **self.differences}):
            raise CheckpointError(f"NaN or infinite values in the LoRA: {listed(broken)}; its training diverged")

    def to(self, dtype: torch.dtype) -> LoRA:
        """The same updates with factors of another type.

        Raises:
            CheckpointError: if that type loses values: overflow, or more than a tenth of a factor to rounding.
        """
        lost: dict[str, float] = {}

        def narrow(name: str, tensor: Tensor) -> Tensor:
            new = tensor.to(dtype)
            size = float(tensor.float().norm())
            error = float((new.float() - tensor.float()).norm()) / size if size else 0.0
            if not error <= LOST:
                lost[name] = min(1.0, error) if error == error else 1.0
            return new

        updates = {
            name: LowRank(narrow(f"{name}.down", one.down), narrow(f"{name}.up", one.up), one.alpha)
            for name, one in self.updates.items()
        }
        differences = {name: narrow(name, tensor) for name, tensor in self.differences.items()}
        if lost:
            name = max(lost, key=lambda one: lost[one])
            raise CheckpointError(
                f"{dtype} does not hold this LoRA: {name} loses {lost[name]:.0%} of its values; use bfloat16 or float32"
            )
        return LoRA(updates, differences)

    def check(self, model: nn.Module) -> None:
        """Check that every update fits a linear layer of the model, and every difference a parameter.

        Raises:
            CheckpointError: naming the modules that the model lacks, or whose sizes differ.
        """
        modules, parameters = modules_of(model), parameters_of(model)
        missing = [name for name in self.updates if name not in modules]
        if missing := missing + [name for name in self.differences if name not in parameters]:
            raise CheckpointError(f"the LoRA updates modules that the model does not have: {listed(missing)}")
        wrong = []
        for name, update in self.updates.items():
            weight = getattr(modules[name], "weight", None)
            expected = (update.up.shape[0], update.down.shape[1])
            if not isinstance(weight, torch.Tensor) or tuple(weight.shape) != expected:
                got = tuple(weight.shape) if isinstance(weight, torch.Tensor) else "no weight"
                turned = "; its factors look transposed" if got == (update.down.shape[0], update.up.shape[1]) else ""
                wrong.append(f"{name} (the LoRA is for {expected}, the model has {got}{turned})")
        for name, tensor in self.differences.items():
            if tensor.shape != parameters[name].shape:
                wrong.append(
                    f"{name} (the LoRA is for {tuple(tensor.shape)}, the model has {tuple(parameters[name].shape)})"
                )
        if wrong:
            raise CheckpointError(f"the LoRA is for a model of another size: {listed(wrong)}")


def combined(loras: Sequence[tuple[LoRA, float]]) -> LoRA:
    """Several LoRAs at their strengths as one, in float32: merged, it is rounded once instead of once for each.

    Args:
        loras: each with the factor of its whole update.

    Raises:
        CheckpointError: if there is none, a strength is not finite, or two updates of one layer have different sizes.
    """
    if wrong := [strength for _, strength in loras if not math.isfinite(strength)]:
        raise CheckpointError(f"expected finite strengths, got {wrong[0]}")
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {}
    differences: dict[str, Tensor] = {}
    for lora, strength in loras:
        for name, one in lora.updates.items():
            scaled = one.up.float() * (strength * one.alpha / one.rank)
            parts.setdefault(name, []).append((one.down.float(), scaled))
        for name, tensor in lora.differences.items():
            scaled = strength * tensor.float()
            differences[name] = differences[name] + scaled if name in differences else scaled
    updates = {}
    for name, factors in parts.items():
        if len({(down.shape[1], up.shape[0]) for down, up in factors}) > 1:
            raise CheckpointError(f"the LoRAs update layers of different sizes under the name {name}")
        down, up = (torch.cat(found, dim=axis) for axis, found in enumerate(zip(*factors, strict=True)))
        updates[name] = LowRank(down, up, float(down.shape[0]))
    return LoRA(updates, differences)
