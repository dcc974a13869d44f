"""Options of a call of the pipeline besides the prompt, checked where they enter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.flow import Guidance, GuidanceSchedule, Progress
from ltx.numerals import number, whole
from ltx.pipeline.preset import Preset
from ltx.pipeline.start import StartingVideo, check_level
from ltx.text import TextConditioning
from ltx.vae.tiling import Tiling

NEGATIVE_PROMPT = "worst quality, inconsistent motion, blurry, jittery, distorted"
SEEDS = 2**63
Prompt = str | Sequence[str] | TextConditioning
GuidanceChange = float | Mapping[str, Any] | Guidance | GuidanceSchedule

# What diffusers' and Lightricks' pipelines call things.
ELSEWHERE = {
    "num_frames": "frames",
    "num_inference_steps": "steps",
    "timesteps": "times (in (0, 1]: diffusers' divided by 1000)",
    "sigmas": "times",
    "guidance_scale": "guidance",
    "guidance_rescale": "guidance={'rescale': …}",
    "rescaling_scale": "guidance={'rescale': …}",
    "stg_scale": "guidance={'stg_scale': …, 'perturbed_blocks': […]}",
    "stg_mode": "guidance={'skip_mode': …}",
    "skip_block_list": "guidance={'perturbed_blocks': […]}",
    "cfg_star_rescale": "guidance={'cfg_star': …}",
    "generator": "seed",
    "num_videos_per_prompt": "videos",
    "num_images_per_prompt": "videos",
    "output_type": "output",
    "callback_on_step_end": "on_step",
    "image": "conditions=[image_condition(…)]",
    "video": "conditions=[clip_condition(…)] or start=starting_video(…)",
    "conditioning_items": "conditions",
    "media_items": "start=starting_video(…)",
    "image_cond_noise_scale": "conditioning_noise",
    "denoise_strength": "noise_level",
    "prompt_embeds": "the prompt as TextConditioning",
    "prompt_attention_mask": "the prompt as TextConditioning",
    "negative_prompt_embeds": "negative_prompt as TextConditioning",
    "negative_prompt_attention_mask": "negative_prompt as TextConditioning",
    "decode_timestep": "preset=dataclasses.replace(find_preset(…), decode_timestep=…)",
    "decode_noise_scale": "preset=dataclasses.replace(find_preset(…), decode_noise_scale=…)",
    "tone_map_compression_ratio": "preset=dataclasses.replace(find_preset(…), tone_map=…)",
    "stochastic_sampling": "preset=dataclasses.replace(find_preset(…), stochastic=…)",
}


class CallOptions(TypedDict, total=False):
    """The keywords of a call; `Options` says what they mean."""

    negative_prompt: Prompt | None
    conditions: Sequence[ConditioningItem] | None
    references: Sequence[Tensor] | None
    start: StartingVideo | None
    latents: Tensor | None
    noise_level: float | None
    noise: Tensor | None
    frames: int
    height: int
    width: int
    frame_rate: float
    seed: int | Sequence[int]
    videos: int
    preset: str | Preset | None
    steps: int | None
    times: Sequence[float] | Sequence[Sequence[float]] | None
    guidance: GuidanceChange | None
    conditioning_noise: float
    tiling: Tiling | None
    output: Literal["video", "latents"]
    on_step: Callable[[Progress], None] | None


@dataclass(frozen=True)
class Options:
    """Options of a call. Numbers may be numpy's or torch's, and the frame rate a fraction or text (30000/1001).

    Attributes:
        negative_prompt: text to steer away from, one or as many as prompts; read only where the guidance uses it; None
            is an empty one.
        conditions: images and clips that the video must contain.
        references: reference videos of an IC-LoRA in [−1, 1]; a shorter one has fewer tokens.
        start: a video to repaint.
        latents: normalised latents to refine, of the first pass's size; needs a noise level or `times` below 1.
        noise_level: in (0, 1), of `latents`: sampling begins at the first time that is not above it.
        noise: what to begin with instead of the seed's noise, normalised latents of the first pass's size.
        frames: any number; rounded up to 8k+1 and cut back.
        height: any number of pixels; padded evenly to a multiple of 32 and cropped back.
        width: likewise.
        frame_rate: frames per second.
        seed: 0 … 2⁶³ − 1, of the first sample, the others count on from it; or one for each sample. One prompt with
            several seeds makes several videos, each the same as on its own.
        videos: how many of each prompt; those of a prompt follow one another.
        preset: a preset or its name; None is the pipeline's.
        steps: length of each pass's schedule; None is the preset's.
        times: descending times in (0, 1] instead of the schedule, or a list of them for each pass; the step after the
            last goes to 0.
        guidance: a number replaces the scale in all the preset's entries, a mapping some fields of `Guidance` in all of
            them; a `Guidance` holds at every step of every pass, a `GuidanceSchedule` for every pass. None is the
            preset's.
        conditioning_noise: noise on images and clips of strength 1 while sampling.
        tiling: decode in spatial tiles, for pictures that do not fit into memory at once; None decodes them whole.
        output: "latents" leaves out the decoder.
        on_step: called after every step.

    Raises:
        ValueError: if a value is not of its kind or out of its range.
    """

    negative_prompt: Prompt = NEGATIVE_PROMPT
    conditions: Sequence[ConditioningItem] | None = None
    references: Sequence[Float[Tensor, "batch 3 frame height width"]] | None = None
    start: StartingVideo | None = None
    latents: Float[Tensor, "batch channel frame height width"] | None = None
    noise_level: float | None = None
    noise: Float[Tensor, "batch channel frame height width"] | None = None
    frames: int = 121
    height: int = 704
    width: int = 1216
    frame_rate: float = 30.0
    seed: int | Sequence[int] = 0
    videos: int = 1
    preset: str | Preset | None = None
    steps: int | None = None
    times: Sequence[float] | Sequence[Sequence[float]] | None = None
    guidance: GuidanceChange | None = None
    conditioning_noise: float = 0.15
    tiling: Tiling | None = None
    output: Literal["video", "latents"] = "video"
    on_step: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        if self.negative_prompt is None:
            self._set("negative_prompt", "")
        for name in ("frames", "height", "width", "videos"):
            self._set(name, whole(name, getattr(self, name)))
        for name in ("frame_rate", "conditioning_noise"):
            self._set(name, number(name, getattr(self, name)))
        for name in ("conditions", "references"):
            self._set(name, _listed(name, getattr(self, name)))
        if self.steps is not None:
            self._set("steps", whole("steps", self.steps))
        if self.noise_level is not None:
            self._set("noise_level", number("noise_level", self.noise_level))
            check_level(self.noise_level)
        several = _several(self.seed)
        self._set("seed", [_seed(each) for each in several] if several is not None else _seed(self.seed))
        if self.videos < 1 or self.frame_rate <= 0 or self.conditioning_noise < 0:
            raise ValueError(
                "expected at least 1 video, a frame rate above 0 and a conditioning noise ≥ 0, got "
                f"{self.videos}, {self.frame_rate} and {self.conditioning_noise}"
            )
        if self.output not in ("video", "latents"):
            raise ValueError(
                f"expected output 'video' or 'latents', got {self.output!r}; for arrays and pictures take 'video', and "
                ".numpy() or .images() of the result"
            )
        self._check_beginning()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Options from keywords.

        Raises:
            TypeError: for an unknown one, with the name that was probably meant.
            ValueError: as the class.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                meant = ELSEWHERE.get(name) or (near[0] if near else None)
                hint = f"write {meant}" if meant else f"there are {', '.join(known)}"
                raise TypeError(f"expected a known option, got {name}=; {hint}")
        return cls(**given)

    def _check_beginning(self) -> None:
        begins = [name for name in ("start", "latents", "noise") if getattr(self, name) is not None]
        if len(begins) > 1:
            raise ValueError(f"expected one thing to begin with, got {' and '.join(begins)}")
        if self.start is not None and not isinstance(self.start, StartingVideo):
            raise ValueError(f"expected start=starting_video(…) or StartingVideo, got {type(self.start).__name__}")
        if self.noise_level is not None and self.latents is None:
            raise ValueError("expected latents with noise_level; a video has its own in StartingVideo")
        if self.steps is not None and self.times is not None:
            raise ValueError("expected steps or times, got both")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _listed(name: str, given: Any) -> tuple[Any, ...]:
    """A sequence; a single item is a list of one."""
    if given is None:
        return ()
    if isinstance(given, ConditioningItem) or (isinstance(given, Tensor) and given.ndim == 5):
        return (given,)
    items = tuple(given)
    kind: Any = ConditioningItem if name == "conditions" else torch.Tensor
    for item in items:
        if not isinstance(item, kind):
            what = "ConditioningItem (see image_condition)" if name == "conditions" else "a video tensor"
            raise ValueError(f"expected each of {name} to be {what}, got {type(item).__name__}")
    return items


def _several(seeds: Any) -> list[Any] | None:
    """Seeds given as a list or an array; None if it is one."""
    if getattr(seeds, "ndim", None) == 0 or not hasattr(seeds, "__len__") or isinstance(seeds, str | bytes):
        return None
    return list(seeds)


def _seed(value: Any) -> int:
    seed = whole("seed", value)
    if not 0 <= seed < SEEDS:
        raise ValueError(f"expected a seed in 0 … 2⁶³ − 1, got {seed}; for a different video each time, draw one")
    return seed
