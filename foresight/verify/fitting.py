"""Fitting data for a verifier: simulated clips with their true and their counterfactual futures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.evaluation.metrics import mse
from foresight.physics import PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.counterfactual import counterfactual
from foresight.physics.language import all_instructions
from foresight.verify.evidence import Gathering, gather
from foresight.verify.signals import signal
from foresight.verify.verifier import FittedOn, Verifier, fit_verifier, model_fingerprint
from foresight.world_model import WorldModel

KINDS = ("other_action", "reversed", "other_gravity", "swapped_object")
TRUE = "true"
# A counterfactual that lies nearer the true future than this (40 dB) shows the same and is no wrong outcome.
SAME = 1e-4


@dataclass(frozen=True)
class Examples:
    """Measured signals of clips whose futures were true or replaced.

    Args:
        values: signals by name.
        kinds: "true", or the kind of counterfactual.
        clips: seed of the clip.
    """

    values: dict[str, Float[Tensor, " example"]]
    kinds: tuple[str, ...]
    clips: tuple[int, ...]

    @property
    def right(self) -> Bool[Tensor, " example"]:
        """Whether what happened follows from context and instruction."""
        return torch.tensor([kind == TRUE for kind in self.kinds])

    @property
    def held_out(self) -> Bool[Tensor, " example"]:
        """The clips with odd seeds: half of them, all examples of a clip on one side."""
        return torch.tensor([seed % 2 == 1 for seed in self.clips])


def collect(
    model: WorldModel,
    *,
    signals: Sequence[str],
    clips: int,
    split: str,
    physics: PhysicsConfig,
    candidates: int,
    gathering: Gathering,
    kinds: Sequence[str] = KINDS,
    batch: int = 16,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Examples:
    """Predict clips and measure the signals for the true future of each and for one counterfactual.

    Args:
        model: the world model.
        signals: names of the signals.
        clips: number of clips, from the first seed of the split on.
        split: a key of `foresight.physics.clip.SPLITS`.
        physics: the world.
        candidates: candidates per prediction.
        gathering: how evidence is gathered.
        kinds: of counterfactual, one per clip in turn.
        batch: clips per forward pass.
        progress: called with (done, total).

    Raises:
        ValueError: if a signal, a kind or the split is unknown.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {split!r}")
    measured = [signal(name) for name in signals]
    needs = frozenset().union(*(one.needs for one in measured))
    columns: dict[str, list[Tensor]] = {name: [] for name in signals}
    names: list[str] = []
    seeds: list[int] = []
    for rows in _batches(range(SPLITS[split], SPLITS[split] + clips), batch):
        true = [make_clip(seed, physics) for seed in rows]
        given = true[0].config.context_frames
        contexts = torch.stack([clip.tensor[:, :given] for clip in true])
        horizon = true[0].video.shape[1] - given
        predictions = model.predict_batch(
            contexts, [clip.instruction for clip in true], horizon, candidates=candidates, seed=0
        )
        # Odd seeds are held out for calibration: both halves get all kinds.
        chosen = [kinds[clip.seed // 2 % len(kinds)] for clip in true]
        false = [counterfactual(clip, kind) for clip, kind in zip(true, chosen, strict=True)]
        for outcomes, labels in ((true, [TRUE] * len(true)), (false, chosen)):
            observed = torch.stack([clip.tensor[:, given:] for clip in outcomes])
            evidence = gather(model, predictions, observed, needs, gathering)
            kept = _differs(outcomes, true, given) | torch.tensor([label == TRUE for label in labels])
            for one in measured:
                columns[one.name].append(one(evidence).cpu()[kept])
            names += [label for label, keep in zip(labels, kept.tolist(), strict=True) if keep]
            seeds += [clip.seed for clip, keep in zip(true, kept.tolist(), strict=True) if keep]
        progress(rows[-1] - SPLITS[split] + 1, clips)
    return Examples({name: torch.cat(parts) for name, parts in columns.items()}, tuple(names), tuple(seeds))


def fit_on_physics(
    model: WorldModel,
    *,
    signals: Sequence[str],
    clips: int,
    physics: PhysicsConfig,
    candidates: int,
    coverage: float,
    split: str = "calibration",
    gathering: Gathering | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Verifier:
    """Fit a verifier on the simulated world: weights on the clips with even seeds, calibration on the odd ones.

    Args:
        model: the world model.
        signals: names of the signals to combine.
        clips: number of clips; each gives a true and a counterfactual example.
        physics: the world.
        candidates: candidates per prediction; the verifier will expect as many.
        coverage: of the conformal decision.
        split: where the clips come from; never the one that is tested on.
        gathering: how evidence is gathered; None contrasts all instructions of the world at the default noise levels.
        progress: called with (done, total).
    """
    how = gathering or Gathering(tuple(all_instructions()))
    examples = collect(
        model,
        signals=signals,
        clips=clips,
        split=split,
        physics=physics,
        candidates=candidates,
        gathering=how,
        progress=progress,
    )
    held_out = examples.held_out
    fitted_on = FittedOn(
        model=model_fingerprint(model),
        data=f"simulated world, split {split}, {clips} clips, counterfactuals {', '.join(KINDS)}, {physics}",
        examples=int((~held_out).sum()),
        calibration=int(held_out.sum()),
        candidates=candidates,
        gathering=how,
    )
    return fit_verifier(examples.values, examples.right, held_out, coverage=coverage, fitted_on=fitted_on)


def _differs(outcomes: list[PhysicsClip], true: list[PhysicsClip], given: int) -> Bool[Tensor, " clip"]:
    pairs = zip(outcomes, true, strict=True)
    return torch.tensor(
        [float(mse(a.tensor[None, :, given:], b.tensor[None, :, given:]).mean()) > SAME for a, b in pairs]
    )


def _batches(seeds: range, size: int) -> Iterator[range]:
    for start in range(0, len(seeds), size):
        yield seeds[start : start + size]
