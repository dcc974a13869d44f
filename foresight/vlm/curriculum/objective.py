"""The objective that teaches a Qwen2.5-VL to talk about the simulated world and to know what is where."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration

from foresight.physics import COLOURS
from foresight.vlm.curriculum.conversations import IGNORED, ChatBatch
from foresight.vlm.curriculum.grounding_targets import STATES, Places
from foresight.vlm.curriculum.mention_targets import STATES as NAMED_STATES
from foresight.vlm.curriculum.mention_targets import Mentions
from foresight.vlm.encoder import QwenEncoder

PRESENT_WEIGHT = 4.0
"""Weight of a filled cell against an empty one, as few are filled."""

STATE_WEIGHTS = (3.0, 3.0, 1.0, 1.0, 1.0)
"""Weights of the squared errors of place, velocity and shape."""


POINTING_WEIGHT = 0.25
"""Weight of one layer's pointing loss among the grounding losses."""


class GroundedAnswers(nn.Module):
    """Cross-entropy of the answers, plus grounding losses that keep vision tokens spatial.

    Answers alone leave the last layer's vision tokens untrained, as nothing reads them. So two linear read-outs, of
    the merged tokens that enter the language model and of its last states, must name what lies in each token's cell.
    Two more, of the states after the first and the last layer, must tell which cell that is: rotary positions only
    decide who attends to whom, so without this the states learn very late where they are, and answers where things are.
    A fifth read-out ties words to what is seen: before the last layer, the token that ends an object's name must tell
    whether that object is there, where it is, how it moves and where it will be. And one head of each layer in between
    is told to look from there at the object's cell in the last picture: nothing else teaches a small model within
    hours that names are to be looked up, with it attention finds them within a hundred steps.
    The read-outs belong to the objective: the model keeps transformers' own class and loses them when it is saved.

    Args:
        hidden_size: width of the language model.
        grounding_weight: weight of the grounding losses.
    """

    def __init__(self, *, hidden_size: int, grounding_weight: float) -> None:
        super().__init__()
        self.grounding_weight = grounding_weight
        self.entering = nn.Linear(hidden_size, len(COLOURS) * (1 + STATES))
        self.leaving = nn.Linear(hidden_size, len(COLOURS) * (1 + STATES))
        self.place_early = nn.Linear(hidden_size, 3)
        self.place_late = nn.Linear(hidden_size, 3)
        self.naming = nn.Linear(hidden_size, 1 + NAMED_STATES)

    def forward(self, network: QwenEncoder, batch: ChatBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """`loss` and its parts, `accuracy` per answer token, and the read-outs' position errors in cells."""
        model = network.model
        outputs = model.model(
            input_ids=batch.tokens.ids,
            attention_mask=batch.tokens.mask.long(),
            mm_token_type_ids=batch.tokens.types,
            pixel_values_videos=batch.pixels,
            video_grid_thw=batch.grid,
            second_per_grid_ts=batch.seconds_per_grid,
            output_hidden_states=True,
            output_attentions=True,
            use_cache=False,
        )
        answers, accuracy = answer_loss(model, outputs.last_hidden_state, batch.labels)
        entering, early, late = (
            rearrange(states[batch.tokens.vision], "(b n) d -> b n d", b=len(batch))
            for states in (outputs.hidden_states[0], outputs.hidden_states[1], outputs.last_hidden_state)
        )
        read = [
            grounding_loss(head(states).float(), batch.places)
            for head, states in ((self.entering, entering), (self.leaving, late))
        ]
        merge = network.patching.merge
        own = own_places(batch.grid[0] // torch.tensor([1, merge, merge], device=batch.grid.device))
        placing = sum(
            (head(states).float() - own).square().mean()
            for head, states in ((self.place_early, early), (self.place_late, late))
        )
        naming, pixels = naming_loss(self.naming, outputs.hidden_states[-2], batch.mentions)
        # Not the first layer: there a name is not yet one word. Not the last: there it is too late to tell the digits.
        between = outputs.attentions[1:-1]
        pointing = sum((pointing_loss(weights[:, 0], batch) for weights in between), start=answers.new_zeros(()))
        grounding = read[0][0] + read[1][0] + placing + naming + POINTING_WEIGHT * pointing
        return {
            "loss": answers + self.grounding_weight * grounding,
            "answers": answers,
            "accuracy": accuracy,
            "grounding": grounding,
            "placing": placing,
            "naming": naming,
            "named_off": pixels,
            "pointing": pointing,
            "cells_off_entering": read[0][1],
            "cells_off_leaving": read[1][1],
        }


def naming_loss(
    head: nn.Linear, states: Float[Tensor, "batch length dim"], mentions: Mentions
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Presence by cross-entropy plus squared errors of the states; and the root-mean-square error of present places."""
    read = head(states[mentions.named]).float()
    present, true = mentions.present[mentions.named], mentions.states[mentions.named]
    seen = F.binary_cross_entropy_with_logits(read[:, 0], present)
    errors = (read[:, 1:] - true).square() * present[:, None]
    count = present.sum().clamp(min=1)
    return seen + errors.sum() / count, (errors[:, :2].sum() / (2 * count)).sqrt().detach()


def pointing_loss(weights: Float[Tensor, "batch length length"], batch: ChatBatch) -> Float[Tensor, ""]:
    """Mean −log of the attention that an object's name pays to its cell at the last time; 0 if none is named.

    Args:
        weights: attention probabilities of one head.
        batch: the conversations.
    """
    rows, words = batch.mentions.present.nonzero(as_tuple=True)
    if len(rows) == 0:
        return weights.sum() * 0
    # Vision tokens stand in one run, time by time: the cells of the last time are its end.
    vision = batch.tokens.vision
    end = vision.shape[1] - vision.flip(1).int().argmax(dim=1)
    cells = batch.places.presence.shape[1] // int(batch.grid[0, 0])
    filled = batch.places.presence[rows, -cells:, batch.mentions.colours[rows, words]]
    target = end[rows] - cells + filled.argmax(dim=1)
    return -weights[rows, words, target].clamp(min=1e-4).log().mean()


def own_places(grid: Int[Tensor, "axis=3"]) -> Float[Tensor, "token axis=3"]:
    """Time, row and column of each cell of a grid in raster order, spread evenly over −1 to 1 (cell centres)."""
    axes = [(torch.arange(int(count), device=grid.device) + 0.5) / count * 2 - 1 for count in grid]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 2)


def answer_loss(
    model: Qwen2_5_VLForConditionalGeneration,
    states: Float[Tensor, "batch length dim"],
    labels: Int[Tensor, "batch length"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean cross-entropy of the labelled tokens, and the share of them that the model would have said."""
    # The state before a token predicts it; logits are made for answers only.
    learnt = labels[:, 1:] != IGNORED
    logits = model.lm_head(states[:, :-1][learnt]).float()
    target = labels[:, 1:][learnt]
    return F.cross_entropy(logits, target), (logits.detach().argmax(-1) == target).float().mean()


def grounding_loss(
    read: Float[Tensor, "batch token value"], places: Places
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Presence by cross-entropy and, where a body is, its state by weighted squares; and its root-mean-square offset.

    The values of a token are, for each colour, the logit of presence and the states.
    """
    values = rearrange(read, "b n (c v) -> b n c v", v=1 + STATES)
    presence = F.binary_cross_entropy_with_logits(
        values[..., 0], places.presence, pos_weight=torch.tensor(PRESENT_WEIGHT, device=read.device)
    )
    errors = (values[..., 1:] - places.states).square() * places.presence[..., None]
    bodies = places.presence.sum()
    state = (errors * torch.tensor(STATE_WEIGHTS, device=read.device)).sum() / (bodies * STATES)
    return presence + state, (errors[..., :2].sum() / (2 * bodies)).sqrt().detach()
