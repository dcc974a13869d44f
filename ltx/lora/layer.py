"""The layers of a LoRA: a low-rank update that trains, and the linear layer to whose output it is added."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class LowRankUpdate(nn.Module):
    """(alpha / rank) · B · A · x; B starts at zero, so that a new update changes nothing.

    Args:
        inputs: width of x.
        outputs: width of what it is added to.
        rank: inner width.
        alpha: strength; None takes the rank, a scale of 1.
        strength: factor of the whole update, which is not part of it.
    """

    def __init__(
        self, *, inputs: int, outputs: int, rank: int, alpha: float | None = None, strength: float = 1.0
    ) -> None:
        super().__init__()
        self.lora_A = nn.Linear(inputs, rank, bias=False)
        self.lora_B = nn.Linear(rank, outputs, bias=False)
        nn.init.zeros_(self.lora_B.weight)
        self.alpha = float(rank) if alpha is None else alpha
        self.strength = strength

    @property
    def rank(self) -> int:
        """Rank of the update."""
        return self.lora_A.out_features

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The update, in the type of the factors."""
        low: Tensor = self.lora_A(x.to(self.lora_A.weight.dtype))
        added: Tensor = self.lora_B(low * (self.strength * self.alpha / self.rank))
        return added


class UpdatedLinear(nn.Linear):
    """A linear layer with low-rank updates beside its weight, in the place of the layer it was made from.

    It shares that layer's parameters under their own names: a model has the same keys with updates and without. An
    update is owned by this layer, and then trains, moves and is counted with the model, or lent to it by somebody else
    (an adapter), whose it stays.

    Args:
        base: the layer, which is called as it is.
    """

    def __init__(self, base: nn.Linear) -> None:
        nn.Module.__init__(self)  # no new weights are made
        self.in_features, self.out_features = base.in_features, base.out_features
        # The very same dictionary: a parameter put into either (by moving, by sharding) is in both.
        self._parameters = base._parameters
        # In a tuple and a dictionary they are no submodules, so the model's keys and parameters stay what they are.
        self._base = (base,)
        self.updates: dict[str, LowRankUpdate] = {}
        self.owned = nn.ModuleList()

    @property
    def base(self) -> nn.Linear:
        """The layer without updates."""
        return self._base[0]

    def put(self, name: str, update: LowRankUpdate, *, owned: bool) -> None:
        """Add an update under a name that is free."""
        self.updates[name] = update
        if owned:
            self.owned.append(update)

    def take(self, name: str) -> None:
        """Take an update off."""
        gone = self.updates.pop(name)
        self.owned = nn.ModuleList(update for update in self.owned if update is not gone)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The layer's output and all updates' of it, in the type of the layer's output."""
        output: Tensor = self.base(x)
        for update in self.updates.values():
            output = output + update(x).to(output.dtype)
        return output
