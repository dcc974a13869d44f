"""Arithmetic of a world model's passes, counted operation by operation instead of timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from foresight import WorldModel
from foresight.loop.cost_meter import CostMeter
from ltx.flow.noise import seeded


@dataclass(frozen=True)
class Arithmetic:
    """Floating-point operations of one world model, two for each multiplication with addition.

    Torch counts those of matrices and convolutions; attention on a CPU is left out, below a hundredth for the few
    tokens of the embedded models.

    Args:
        reading: once for each clip: its encoder, the vision-language model, the text encoder.
        evaluation: of the transformer, for one sequence.
        decoding: of one future.
        evaluations: of the transformer, for one candidate.
    """

    reading: float
    evaluation: float
    decoding: float
    evaluations: int

    @classmethod
    def of(
        cls, model: WorldModel, context: Float[Tensor, "rgb=3 frame height width"], instruction: str, horizon: int
    ) -> Arithmetic:
        """Counted while one clip is predicted from pure noise, with the model's steps and with one step more."""
        steps = model.sampling_config.steps

        def predict(count: int) -> float:
            return _counted(lambda: model.predict(context, instruction, horizon, noise_level=1.0, steps=count))

        with CostMeter(model) as meter:
            prediction = model.predict(context, instruction, horizon, noise_level=1.0)
        spent, whole = meter.cost, predict(steps)
        evaluation = (predict(steps + 1) - whole) * steps / spent.evaluations
        latents = torch.cat([prediction.context_latents, prediction.latents[0]], dim=1)[None].to(model.device)
        decoding = _counted(lambda: model.decode(latents, seeded([0])))
        reading = whole - spent.evaluations * evaluation - spent.decodes * decoding
        return cls(reading, evaluation, decoding, spent.evaluations)

    def draws(self, candidates: int) -> float:
        """Operations of a prediction with so many candidates."""
        return self.reading + candidates * (self.evaluations * self.evaluation + self.decoding)

    def spent(self, evaluations: float, decodes: float) -> float:
        """Operations of a loop that has read the clip once."""
        return self.reading + evaluations * self.evaluation + decodes * self.decoding


class _Operations(TorchDispatchMode):
    """Adds up torch's own counts; its counter also follows modules, which sampling without gradients does not allow."""

    total = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


def _counted(work: Callable[[], object]) -> float:
    with torch.no_grad(), _Operations() as operations:
        work()
    return operations.total
