"""Shows during training whether an adapter's conditioning does anything, and which of its parts are alive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from adapters import Conditioning, LatentForecast
from foresight.data.batch import FeatureBatch
from foresight.metrics.conditioning_gain import conditioning_gain, describe_gain
from foresight.reproducibility.randomness import keyed_generator
from foresight.training.objectives.adapter import AdaptedTransformer, known_tokens
from foresight.training.objectives.sentences import Sentences
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser
from foresight.world.flow_error import flow_error
from ltx.shapes import to_tokens
from ltx.text import EncodesText

Losses = Float[Tensor, "batch level"]


class ConditioningWatch(Callback):
    """At every validation: flow losses with true features, another clip's and none, and one line on what follows.

    Logged as `conditioning/…`: the losses, the gain over another clip's features with its interval, and the gain over
    none. The flow's own text is empty, so that the adapter alone can tell the instruction. Beside it, `gradient/PART`
    (norm, before clipping) and `activation/PART` (root mean square) of each part of the adapter.

    Args:
        text_encoder: frozen.
        context: latent frames that are given.
        levels: noise levels in (0, 1].
    """

    def __init__(self, *, text_encoder: EncodesText, context: int, levels: Sequence[float]) -> None:
        if not levels or not all(0 < level <= 1 for level in levels):
            raise ValueError(f"expected levels in (0, 1], got {list(levels)}")
        self._sentences, self._context = Sentences(text_encoder), context
        self._levels = tuple(levels)
        self._losses: dict[str, list[Losses]] = {}
        self._squares: dict[str, list[float]] = {}
        self._hooks: list[RemovableHandle] = []

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Log the gradient norm of each part, at the steps that get a row: Lightning repeats what it was last told."""
        between = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not between or (trainer.global_step + 1) % between:
            return
        for name, part in parts(_adapted(pl_module).adapter).items():
            squares = [p.grad.float().square().sum() for p in part.parameters() if p.grad is not None]
            if squares:
                pl_module.log(f"gradient/{name}", torch.stack(squares).sum().sqrt())

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen to the activations."""
        self._losses, self._squares = {}, {}
        for name, part in parts(_adapted(pl_module).adapter).items():
            self._hooks.append(part.register_forward_hook(self._listener(name)))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: FeatureBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure one batch; one of a single clip has no other clip, and is left out."""
        if len(batch) < 2:
            return
        generator = keyed_generator("conditioning", trainer.global_rank, batch_idx, device=pl_module.device)
        for name, losses in self.losses(_adapted(pl_module), batch, generator).items():
            self._losses.setdefault(name, []).append(losses.cpu())

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the figures and print the line."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        for name, squares in self._squares.items():
            pl_module.log(f"activation/{name}", (sum(squares) / len(squares)) ** 0.5)
        if not self._losses:
            return
        losses = {name: torch.cat(found).numpy() for name, found in self._losses.items()}
        gain = conditioning_gain(losses["true"], losses["other"])
        figures = {f"loss_{name}": float(found.mean()) for name, found in losses.items()}
        figures |= {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
        figures["gain_over_none"] = conditioning_gain(losses["true"], losses["none"]).value
        for name, value in figures.items():
            pl_module.log(f"conditioning/{name}", value)
        if trainer.is_global_zero:
            print(f"step {trainer.global_step}: {describe_gain(gain)}", flush=True)

    @torch.no_grad()
    def losses(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Losses]:
        """Flow losses of a batch, under the same noise, with "true" features, an "other" clip's, and "none"."""
        known = known_tokens(batch, self._context)
        clean, places = to_tokens(batch["latents"]), model.places(batch)
        future, targets = clean[:, known:], places[:, :, known:]
        noise = torch.randn(future.shape, generator=generator, device=future.device)
        text = self._sentences([""] * len(batch), clean.device)
        features = batch.features
        others = torch.arange(len(batch), device=clean.device).roll(1)

        def measure(said: Conditioning, forecast: LatentForecast | None) -> Losses:
            given = ConditionedSequence.of(clean[:, :known], places, text, said)
            return flow_error(FutureDenoiser(model.transformer, given), future, noise, self._levels, forecast)

        told, wrong_instruction = model.adapter(features, targets), model.adapter(features.select(others), targets)
        found = {"true": measure(told, told.forecast), "other": measure(wrong_instruction, wrong_instruction.forecast)}
        # A forecast of nothing is the mean of all latents.
        zero_forecast = None if told.forecast is None else LatentForecast(torch.zeros_like(future), None)
        model.adapter.detach()
        try:
            found["none"] = measure(Conditioning(), zero_forecast)
        finally:
            model.adapter.attach(model.transformer)
        return found

    def _listener(self, name: str) -> Any:
        def listen(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                self._squares.setdefault(name, []).append(float(output.detach().float().square().mean()))

        return listen


def parts(adapter: nn.Module) -> dict[str, nn.Module]:
    """The parts of an adapter by name: its children, and the members of those that are lists."""
    found: dict[str, nn.Module] = {}
    for name, child in adapter.named_children():
        members = {f"{name}.{key}": part for key, part in parts(child).items()}
        found |= members if isinstance(child, nn.ModuleList) else {name: child}
    return found


def _adapted(pl_module: LightningModule) -> AdaptedTransformer:
    model = getattr(pl_module, "model", None)
    if not isinstance(model, AdaptedTransformer):
        raise ValueError(f"expected the training of an adapter (network=adapted), got one of {type(model).__name__}")
    return model
