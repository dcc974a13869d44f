"""The action card: the rank of the true action among all that fit the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from foresight.evaluation.benchmarks import Measured, figure_rows
from foresight.evaluation.gates import Gate, surely_above
from foresight.evaluation.simulated import BATCH, SimulatedBenchmark, contexts_and_futures
from foresight.metrics.statistics import Estimate, bootstrap, mean
from foresight.physics import DIRECTIONS, Action, PhysicsClip
from foresight.physics.language import all_instructions, instruction
from foresight.progress import Progress
from foresight.results.values import clip_values
from foresight.verify.evidence.flow import CONDITIONAL, FlowProbe
from foresight.verify.evidence.records import EvidenceConfig
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class ActionCard:
    """Ranks of the true actions.

    Args:
        rank: (clips,): 0 for the best of the options.
        options: (clips,): how many there are.
    """

    rank: np.ndarray
    options: np.ndarray

    def figures(self) -> dict[str, Estimate]:
        """Figures by name, with intervals."""
        return {
            "true action first": mean(self.rank == 0),
            "chance of being first": mean(1 / self.options),
            "share of other actions ranked below the true one": mean(1 - self.rank / (self.options - 1)),
        }

    def gates(self) -> list[Gate]:
        """The promise of this card: the true action comes first more often than by chance."""
        lead = bootstrap(
            lambda rank, options: float((rank == 0).mean() - (1 / options).mean()), self.rank, self.options
        )
        return [surely_above("true action first − chance", lead, 0)]


@dataclass(frozen=True, kw_only=True)
class ActionBenchmark(SimulatedBenchmark):
    """The true future's flow losses under every instruction that fits the scene, with the same noise.

    Args:
        sigmas: noise levels.
    """

    sigmas: Sequence[float]
    name = "actions"

    def __post_init__(self) -> None:
        super().__post_init__()
        # Refused here, not when the benchmark runs.
        assert self._how.sigmas

    @cached_property
    def _how(self) -> EvidenceConfig:
        return EvidenceConfig(tuple(all_instructions()), count=1, sigmas=tuple(self.sigmas))

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Rank the true action of every clip."""
        ranks: list[int] = []
        counts: list[int] = []
        for batch in self.held_out.batches(BATCH):
            for losses in self._losses(model, batch):
                # Equal losses are no proof: the true action loses ties, up to rounding.
                ranks.append(int((losses[1:] <= losses[0] * (1 + 1e-5)).sum()))
                counts.append(len(losses))
            progress(len(ranks), self.clips)
        card = ActionCard(np.asarray(ranks, float), np.asarray(counts, float))
        figures = card.figures()
        names = self.held_out.names
        values = (
            clip_values(names, "prediction", "rank of the true action", card.rank),
            clip_values(names, "prediction", "options", card.options),
        )
        return Measured({"figures": figure_rows(figures)}, figures, gates=tuple(card.gates()), values=values)

    @torch.no_grad()
    def _losses(self, model: WorldModel, clips: list[PhysicsClip]) -> list[np.ndarray]:
        contexts, futures = contexts_and_futures(clips)
        fitting = [options(clip) for clip in clips]
        rows = torch.tensor([row for row, sentences in enumerate(fitting) for _ in sentences])
        contexts = contexts[:, :, -model.sampling_config.context_frames :].to(model.device)
        known = model.encode(contexts)
        latents = model.encode(torch.cat([contexts, futures.to(contexts)], dim=2))[:, :, known.shape[2] :]
        sentences = [sentence for one in fitting for sentence in one]
        probe = FlowProbe(model, known[rows], contexts[rows], sentences, self._how)
        losses = probe.losses(latents[rows][:, None], CONDITIONAL, self._how.sigmas)[:, 0].mean(dim=1).cpu()
        return [losses[rows == row].numpy() for row in range(len(clips))]


def options(clip: PhysicsClip) -> list[str]:
    """Every instruction that fits the scene, the true one first."""
    actions: list[Action | None] = [Action(body, name) for body in range(len(clip.bodies)) for name in DIRECTIONS]
    sentences = [instruction(action, clip.bodies) for action in [*actions, None]]
    return [clip.instruction, *(sentence for sentence in sentences if sentence != clip.instruction)]
