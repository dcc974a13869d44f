"""Surprise: energy scores of the observed frames under the predicted candidates, of positions and of colours.

Both parts are energy scores of the candidates (Gneiting & Raftery 2007, eq. 21), E|X − y| − ½·E|X − X'| over candidates
X and what happened y, in units of the candidates' own mean distance E|X − X'|, so that a future which is hard to tell
surprises less. The first compares latents and sees where things are. A candidate that fades a thing out lies in the
middle of all places it could be at; so the second compares the mean colour of each frame, which does not change when
things move, and sees what is missing or new.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.metrics.energy import energy_score
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME

LATENT_FLOOR = 0.1
"""Candidates nearer to each other than this, in deviations of the latents, count as equal."""
COLOUR_FLOOR = 0.02
"""The same for mean colours on the [−1, 1] scale: two and a half of 255 levels."""


@torch.no_grad()
def surprise(
    model: WorldModel, predictions: Sequence[Prediction], observed: Float[Tensor, "batch rgb=3 frame height width"]
) -> Float[Tensor, " batch"]:
    """Surprise of what was observed after each prediction's context; about ½ each part where it is one more candidate.

    Args:
        model: the model that predicted.
        predictions: one per clip, of at least 2 candidates, as long as what was observed or longer.
        observed: in [−1, 1]; a multiple of 8 frames.

    Raises:
        UserError: if the frames do not fit, or there is a single candidate.
    """
    frames = observed.shape[2]
    if frames < TIME or frames % TIME or any(p.video.shape[2] < frames or len(p) < 2 for p in predictions):
        raise UserError(
            expected=f"a multiple of {TIME} frames, all predicted, and at least 2 candidates",
            got=f"{frames} frames, predicted {[tuple(p.video.shape[:3:2]) for p in predictions]}",
            remedy="wait for more frames, or predict further and with more candidates",
        )
    context = torch.stack([prediction.context for prediction in predictions])
    seen = observed.to(context)
    known = predictions[0].context_latents.shape[1]
    happened = model.encode(torch.cat([context, seen], dim=2))[:, :, known:]
    latents = torch.stack([prediction.latents[:, :, : frames // TIME] for prediction in predictions])
    colours = torch.stack([prediction.video[:, :, :frames].mean(dim=(-2, -1)) for prediction in predictions])
    where = _energy(latents.flatten(2), happened.flatten(1), floor=LATENT_FLOOR)
    what = _energy(colours.flatten(2), seen.mean(dim=(-2, -1)).flatten(1), floor=COLOUR_FLOOR)
    return (where + what).cpu()


def _energy(
    cloud: Float[Tensor, "batch candidate value"], outcome: Float[Tensor, "batch value"], *, floor: float
) -> Float[Tensor, " batch"]:
    """The energy score over √(E|X − X'|² + floor²)."""
    score, spread = energy_score(cloud, outcome)
    return score / (spread.square() + floor**2).sqrt()
