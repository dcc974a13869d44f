"""Goals: a picture of the end, or a sentence that is to be true of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.yes_no import truth_question, yes_odds
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel
from ltx.media import last_picture, read_picture
from ltx.media.container import VIDEOS
from ltx.media.folder import PICTURES


class Goal(Protocol):
    """Something that predictions can be far from."""

    @property
    def kind(self) -> str:
        """Kind of the goal: "image" or "sentence"."""
        ...

    def costs(self, model: WorldModel, predictions: Sequence[Prediction]) -> Float[Tensor, " prediction"]:
        """Distance of each prediction's end from the goal; only differences between predictions are meaningful."""
        ...


@dataclass(frozen=True)
class ImageGoal:
    """A picture of the wanted end.

    The cost is the root mean square distance between the latent of the picture and that of a candidate's last frame,
    each encoded as a video of one frame, mean over candidates. Latents see where things are; pixels only whether they
    overlap.

    Args:
        picture: in [−1, 1], of the predictions' size.
    """

    picture: Float[Tensor, "rgb=3 height width"]
    kind: ClassVar[str] = "image"

    @torch.no_grad()
    def costs(self, model: WorldModel, predictions: Sequence[Prediction]) -> Float[Tensor, " prediction"]:
        """Distances in units of the latents' deviation.

        Raises:
            UserError: if the picture has another size than the predictions.
        """
        ends = torch.stack([prediction.video[:, :, -1] for prediction in predictions])
        if ends.shape[-2:] != self.picture.shape[-2:]:
            raise UserError(
                expected=f"a goal of {ends.shape[-2]}×{ends.shape[-1]} pixels",
                got=f"{self.picture.shape[-2]}×{self.picture.shape[-1]}",
                remedy="scale the picture to the size of the predictions",
            )
        goal = model.encode(self.picture[None, :, None])
        ended = model.encode(rearrange(ends, "p c rgb h w -> (p c) rgb 1 h w"))
        distance = (ended - goal).square().mean(dim=(1, 2, 3, 4)).sqrt()
        return rearrange(distance, "(p c) -> p c", p=len(predictions)).mean(dim=1).cpu()


@dataclass(frozen=True)
class SentenceGoal:
    """A sentence that shall be true of the end, such as `the red ball was pushed to the left`.

    The VLM looks at context and candidate together and is asked whether the sentence is true; the cost is the mean over
    candidates of log p(no) − log p(yes).

    Args:
        sentence: without a full stop.
    """

    sentence: str
    kind: ClassVar[str] = "sentence"

    @property
    def question(self) -> str:
        """Question for the VLM."""
        return truth_question(self.sentence.strip().rstrip(".?!"))

    def costs(self, model: WorldModel, predictions: Sequence[Prediction]) -> Float[Tensor, " prediction"]:
        """Log-odds against the sentence.

        Raises:
            UserError: if the model has no VLM that answers questions.
        """
        videos = torch.cat([_whole(prediction) for prediction in predictions])
        against = -yes_odds(
            require_vlm(model), videos, [self.question] * len(videos), frame_rate=model.sampling_config.frame_rate
        ).float()
        return rearrange(against.cpu(), "(p c) -> p c", p=len(predictions)).mean(dim=1)


def require_vlm(model: WorldModel) -> QwenEncoder:
    """The VLM of a world model, if it can be asked.

    Raises:
        UserError: if there is none.
    """
    if not isinstance(model.vlm, QwenEncoder):
        raise UserError(
            expected="a world model with a VLM that answers questions, for a goal in words",
            got="one without",
            remedy="give a picture as the goal, or another model=",
        )
    return model.vlm


def read_goal(text: str, size: tuple[int, int]) -> Goal:
    """A goal from the command line: the name of a picture or video, whose last frame is meant, or a sentence.

    Args:
        text: what was given.
        size: height and width that a picture is scaled to cover and cropped to.

    Raises:
        UserError: if it is empty, or names a picture that is not there.
        MediaError: if the file cannot be read.
    """
    path = Path(text)
    named = path.suffix.lower() in PICTURES | VIDEOS
    if not text.strip() or (named and not path.exists()):
        raise UserError(
            expected="goal= a picture, a video whose last frame is meant, or a sentence",
            got=repr(text) if not text.strip() else f"no file at {text}",
            remedy="check the path",
        )
    if not named:
        return SentenceGoal(text)
    if path.suffix.lower() in PICTURES:
        return ImageGoal(read_picture(path, size=size))
    return ImageGoal(last_picture(path, size=size))


def _whole(prediction: Prediction) -> Float[Tensor, "candidate rgb=3 frame height width"]:
    """Context and candidates as whole videos."""
    context = prediction.context[None].expand(len(prediction), -1, -1, -1, -1)
    return torch.cat([context, prediction.video], dim=2)
