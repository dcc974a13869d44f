"""A checked request: everything of a call that both passes of a multi-scale run share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.flow import Progress, seeded
from ltx.pipeline.options import Options
from ltx.pipeline.size import Size
from ltx.pipeline.start import Start, StartingLatents, StartingNoise, StartingVideo, check_latents, check_video, cut
from ltx.text import TextConditioning
from ltx.values import as_pixels


@dataclass(frozen=True)
class Request:
    """A checked call.

    Attributes:
        positive: text of each sample.
        negative: negative text of each sample; None if the guidance needs none.
        size: as asked for.
        frame_rate: frames per second.
        conditions: given frames, trimmed to the size.
        references: reference videos of an IC-LoRA, likewise.
        start: what to begin with; None is the generators' noise.
        conditioning_noise: noise on given frames during sampling.
        generators: one source of noise for each sample.
        on_step: called after every step.

    Raises:
        ValueError: if given frames are neither one for all samples nor one for each.
    """

    positive: TextConditioning
    negative: TextConditioning | None
    size: Size
    frame_rate: float
    conditions: tuple[ConditioningItem, ...]
    references: tuple[Tensor, ...]
    start: Start | None
    conditioning_noise: float
    generators: Sequence[torch.Generator]
    on_step: Callable[[Progress], None] | None

    def __post_init__(self) -> None:
        rows = [("condition", each.frames) for each in self.conditions]
        rows += [("reference", each) for each in self.references]
        match self.start:
            case StartingVideo(video=given) | StartingLatents(latents=given) | StartingNoise(noise=given):
                rows.append(("video, latents or noise to begin with", given))
        for name, each in rows:
            if each.shape[0] not in (1, len(self.generators)):
                raise ValueError(
                    f"expected one {name} for all samples or one for each of {len(self.generators)}, "
                    f"got {each.shape[0]}"
                )

    @classmethod
    def of(
        cls, options: Options, *, positive: TextConditioning, negative: TextConditioning | None, channels: int
    ) -> Request:
        """The request of options, with given frames trimmed to the size.

        Args:
            options: of the call.
            positive: one row for each prompt.
            negative: one row, or one for each prompt; None if the guidance needs none.
            channels: of the model's latents.

        Raises:
            ValueError: if the parts do not fit each other.
        """
        prompts = len(positive)

        def repeated(rows: Tensor) -> Tensor:
            return rows.repeat_interleave(options.videos, dim=0) if rows.shape[0] == prompts else rows

        positive = positive.repeat(options.videos)
        if negative is not None and len(negative) == prompts:
            negative = negative.repeat(options.videos)
        seed = options.seed
        seeds = [seed + row for row in range(len(positive))] if isinstance(seed, int) else list(seed)
        conditions = [each.trimmed(options.frames) for each in options.conditions or ()]
        references = []
        for reference in options.references or ():
            check_video("a reference", reference)
            references.append(cut("a reference", as_pixels(reference, "a reference"), options.frames))
        start: Start | None = None
        if options.start is not None:
            start = options.start.lasting(options.frames)
            start = replace(start, video=repeated(start.video))
        elif options.latents is not None:
            check_latents("latents", options.latents, channels)
            start = StartingLatents(repeated(options.latents), options.noise_level)
        elif options.noise is not None:
            check_latents("noise", options.noise, channels)
            start = StartingNoise(repeated(options.noise))
        return cls(
            positive=_rows(positive, len(seeds)),
            negative=None if negative is None else _rows(negative, len(seeds)),
            size=Size(options.frames, options.height, options.width),
            frame_rate=options.frame_rate,
            conditions=tuple(replace(each, frames=repeated(each.frames)) for each in conditions),
            references=tuple(repeated(each) for each in references),
            start=start,
            conditioning_noise=options.conditioning_noise,
            generators=seeded(seeds),
            on_step=options.on_step,
        )


def _rows(text: TextConditioning, count: int) -> TextConditioning:
    """One row for each sample."""
    if len(text) not in (1, count) or not count:
        raise ValueError(f"expected 1 prompt or as many prompts as seeds ({count}), got {len(text)}")
    return text if len(text) == count else text.repeat(count)
