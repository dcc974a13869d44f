"""Low-rank updates of linear layers (LoRA, arXiv 2106.09685), apart from any model and file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ltx.checkpoint.errors import CheckpointError, listed


@dataclass(frozen=True)
class LowRank:
    """The update (alpha / rank) · up · down of one weight.

    Attributes:
        down: `lora_A` of PEFT, `lora_down` of kohya.
        up: `lora_B` of PEFT, `lora_up` of kohya.
        alpha: strength; the update is scaled by alpha / rank.

    Raises:
        CheckpointError: if the two do not share their rank.
    """

    down: Float[Tensor, "rank input"]
    up: Float[Tensor, "output rank"]
    alpha: float

    def __post_init__(self) -> None:
        if self.down.ndim != 2 or self.up.ndim != 2 or self.down.shape[0] != self.up.shape[1]:
            raise CheckpointError(
                f"expected factors (rank, input) and (output, rank), got {tuple(self.down.shape)} "
                f"and {tuple(self.up.shape)}"
            )

    @property
    def rank(self) -> int:
        """Rank of the update."""
        return self.down.shape[0]

    @property
    def delta(self) -> Float[Tensor, "output input"]:
        """What is added to the weight, float32."""
        return (self.alpha / self.rank) * (self.up.float() @ self.down.float())

    def folded(self) -> LowRank:
        """The same update with alpha = rank: for formats that carry no alpha, whose readers take the rank for it."""
        if self.alpha == self.rank:
            return self
        up = (self.up.float() * (self.alpha / self.rank)).to(self.up.dtype)
        return LowRank(self.down, up, float(self.rank))


@dataclass(frozen=True)
class LoRA:
    """Updates by official module name, such as `transformer_blocks.0.attn1.to_q`.

    An IC-LoRA (in-context conditioning on reference tokens) is the same thing: only its training differs.
    """

    updates: Mapping[str, LowRank]

    def __post_init__(self) -> None:
        if not self.updates:
            raise CheckpointError("expected a LoRA with at least one update, got none")

    def to(self, dtype: torch.dtype) -> LoRA:
        """The same updates with factors of another type."""
        return LoRA({n: LowRank(u.down.to(dtype), u.up.to(dtype), u.alpha) for n, u in self.updates.items()})

    def check(self, model: nn.Module) -> None:
        """Check that every update fits a linear layer of the model.

        Raises:
            CheckpointError: naming the modules that the model lacks, or whose sizes differ.
        """
        modules = dict(model.named_modules())
        if missing := [name for name in self.updates if name not in modules]:
            raise CheckpointError(f"the LoRA updates modules that the model does not have: {listed(missing)}")
        wrong = []
        for name, update in self.updates.items():
            weight = getattr(modules[name], "weight", None)
            expected = (update.up.shape[0], update.down.shape[1])
            if not isinstance(weight, torch.Tensor) or tuple(weight.shape) != expected:
                got = tuple(weight.shape) if isinstance(weight, torch.Tensor) else "no weight"
                wrong.append(f"{name} (the LoRA is for {expected}, the model has {got})")
        if wrong:
            raise CheckpointError(f"the LoRA is for a model of another size: {listed(wrong)}")
