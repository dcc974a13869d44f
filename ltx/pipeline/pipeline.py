"""Text, images and clips to video: `LTXPipeline`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.checkpoint.checkpoint import Checkpoint
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.index import Notes
from ltx.checkpoint.parts import UPSAMPLER
from ltx.checkpoint.place import place_of
from ltx.conditioning import ConditioningItem
from ltx.dtypes import working_dtype
from ltx.flow import GuidancePlan, Progress, SchedulerConfig, draw_noise, seeded
from ltx.pipeline.latents import low_size, tone_map, upsample
from ltx.pipeline.parts import check_device, check_parts, read_text_encoder, read_upsampler
from ltx.pipeline.preset import DISTILLED, PLAIN, ListedTimes, Pass, Preset, find_preset, presets
from ltx.pipeline.released import preset_of
from ltx.pipeline.request import Request, StartingVideo
from ltx.pipeline.run import run_pass
from ltx.shapes import VideoShape
from ltx.text import EncodesText, TextConditioning, TextEncoder
from ltx.text.files import MODEL_FOLDER
from ltx.transformer import VideoTransformer
from ltx.upsampler import LatentUpsampler
from ltx.vae import VideoVAE
from ltx.vae.temporal import AtOnce
from ltx.vae.tiling import TiledVAE, Tiling

NEGATIVE_PROMPT = "worst quality, inconsistent motion, blurry, jittery, distorted"
Prompt = str | Sequence[str] | TextConditioning


@dataclass(frozen=True)
class Generated:
    """What a call returns: normalised latents of the padded size, and the video, about [−1, 1], if it was asked for."""

    latents: Float[Tensor, "batch channel latent_frame latent_height latent_width"]
    video: Float[Tensor, "batch rgb=3 frame height width"] | None


class LTXPipeline:
    """LTX-Video with everything around it.

    Attributes:
        transformer: predicts velocities.
        vae: between pixels and latents.
        scheduler: how the checkpoint spaces its times.
        text_encoder: reads prompts; None if only `TextConditioning` will be given.
        upsampler: enlarges latents for presets of two passes; None if there will be none.
        preset: used where a call names no other.
        sources: hub id and commit of each part that was downloaded.

    Raises:
        ValueError: if the parts do not fit each other.
    """

    def __init__(
        self,
        transformer: VideoTransformer,
        vae: VideoVAE,
        scheduler: SchedulerConfig,
        text_encoder: EncodesText | None,
        upsampler: LatentUpsampler | None,
        preset: Preset,
    ) -> None:
        self.transformer = transformer
        self.vae = vae
        self.scheduler = scheduler
        self.text_encoder = text_encoder
        self.upsampler = upsampler
        self.preset = preset
        self.sources: dict[str, str] = {}
        check_parts(transformer, vae, text_encoder, upsampler)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        text_encoder: str | Path | None = None,
        upsampler: str | Path | None = None,
        preset: str | None = None,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> LTXPipeline:
        """Read a checkpoint from an official file, a folder, a named model or a hub id.

        Args:
            where: what to read; like the two others it may end in `@revision` if it is on the hub.
            text_encoder: where the T5 is; None is the checkpoint's own, or for official files the published one.
            upsampler: where the latent upsampler is; None is the checkpoint's own, or the one of the preset.
            preset: its name; None is the one that was saved with the checkpoint, or that of the release it is. Where
                nothing says which, a warning names the choices, and it is "plain", or "distilled" for what lists its
                times.
            dtype: type of the weights, or its name ("bfloat16"); None is the stored one.
            device: where to put them.
            revision: commit, tag or branch of a hub id.

        Raises:
            CheckpointError: if a part cannot be found or is not what it should be.
            ValueError: for an unknown preset, type or device, or parts that do not fit each other.
        """
        check_device(device)
        dtype, named = working_dtype(dtype), None if preset is None else find_preset(preset)
        checkpoint = Checkpoint.from_pretrained(where, dtype=dtype, device=device, revision=revision)
        name = place_of(where, revision).name
        chosen = named or preset_of(checkpoint.identity, checkpoint.notes.preset, name)
        root = resolve(where, MODEL_FOLDER, revision)
        text, text_source = read_text_encoder(
            where, root, named=text_encoder, dtype=dtype, device=device, revision=revision
        )
        enlarge, enlarge_source = read_upsampler(root, chosen, named=upsampler, dtype=dtype, device=device)
        pipeline = cls(checkpoint.transformer, checkpoint.vae, checkpoint.scheduler, text, enlarge, chosen)
        pipeline.sources |= {**checkpoint.notes.sources, **text_source, **enlarge_source}
        return pipeline

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a diffusers folder with every part; `from_pretrained` and diffusers' classes read it.

        Its index says which preset to sample with and where downloaded parts came from.

        Raises:
            CheckpointError: if writing fails, or the text encoder is not one that can be written.
        """
        if self.text_encoder is not None and not isinstance(self.text_encoder, TextEncoder):
            raise CheckpointError(
                f"expected a TextEncoder to write, got {type(self.text_encoder).__name__}; set text_encoder to None"
            )
        notes = Notes(self.sources, self.preset.name if self.preset.name in presets() else None)
        checkpoint = Checkpoint(self.transformer, self.vae, self.scheduler, notes)
        checkpoint.save_parts(Path(folder))
        if self.text_encoder is not None:
            self.text_encoder.save_pretrained(folder)
        if self.upsampler is not None:
            self.upsampler.save_pretrained(Path(folder, UPSAMPLER.name))
        checkpoint.save_index(Path(folder), with_text=self.text_encoder is not None)

    def to(self, device: torch.device | str) -> LTXPipeline:
        """The same pipeline with its models moved to a device."""
        self.transformer.to(device)
        self.vae.to(device)
        if self.upsampler is not None:
            self.upsampler.to(device)
        if isinstance(self.text_encoder, TextEncoder):
            self.text_encoder.to(device)
        return self

    @torch.no_grad()
    def __call__(
        self,
        prompt: Prompt,
        *,
        negative_prompt: Prompt = NEGATIVE_PROMPT,
        conditions: Sequence[ConditioningItem] = (),
        references: Sequence[Float[Tensor, "batch 3 frame height width"]] = (),
        start: StartingVideo | None = None,
        frames: int = 121,
        height: int = 704,
        width: int = 1216,
        frame_rate: float = 30.0,
        seed: int | Sequence[int] = 0,
        preset: str | Preset | None = None,
        steps: int | None = None,
        guidance: GuidancePlan | None = None,
        conditioning_noise: float = 0.15,
        tiling: Tiling | None = None,
        output: Literal["video", "latents"] = "video",
        on_step: Callable[[Progress], None] | None = None,
    ) -> Generated:
        """Generate videos.

        Args:
            prompt: one text, several, or context tokens; several make a batch.
            negative_prompt: what to stay away from, one or as many; read only where the guidance uses it.
            conditions: images and clips that the video must contain.
            references: reference videos of an IC-LoRA.
            start: a video to repaint.
            frames: any number; rounded up to 8k+1 and cut back.
            height: any number of pixels; padded to a multiple of 32 and cropped back.
            width: likewise.
            frame_rate: frames per second.
            seed: of the first sample, the others count on from it; or one for each sample. One prompt with several
                seeds makes several videos, each the same as on its own.
            preset: a preset or its name; None is the pipeline's.
            steps: length of each pass's schedule; None is the preset's.
            guidance: for all passes; None is the preset's.
            conditioning_noise: noise on images and clips of strength 1 while sampling.
            tiling: decode in spatial tiles, for pictures that do not fit into memory at once; None decodes them whole.
            output: "latents" leaves out the decoder.
            on_step: told about every step.

        Raises:
            ValueError: if arguments are out of range or do not fit each other, or a part is missing for them.
        """
        chosen = find_preset(preset) if isinstance(preset, str) else preset or self.preset
        passes = [chosen.first] if chosen.refinement is None else [chosen.first, chosen.refinement.run]
        passes = [
            Pass(each.times if steps is None else each.times.resized(steps), guidance or each.guidance)
            for each in passes
        ]
        positive = self._encode(prompt)
        seeds = [seed + i for i in range(len(positive))] if isinstance(seed, int) else list(seed)
        positive = _rows(positive, len(seeds))
        uses_cfg = any(each.guidance.uses_cfg for each in passes)
        request = Request(
            positive=positive,
            negative=_rows(self._encode(negative_prompt), len(seeds)) if uses_cfg else None,
            frames=frames,
            height=height,
            width=width,
            frame_rate=frame_rate,
            conditions=tuple(conditions),
            references=tuple(references),
            start=start,
            conditioning_noise=conditioning_noise,
            generators=seeded(seeds),
            on_step=on_step,
        )
        latents = self._sample(request, passes, chosen)
        if output == "latents":
            return Generated(latents, None)
        decoder = self.vae if tiling is None else TiledVAE(self.vae, tiling, AtOnce())
        return Generated(latents, request.crop(self._decode(latents, chosen, request, decoder)))

    def _sample(self, request: Request, passes: Sequence[Pass], preset: Preset) -> Float[Tensor, "b c f h w"]:
        """Latents after one pass, or after two with the upsampler between them."""
        shape = request.shape if len(passes) == 1 else low_size(request.shape)
        latents: Tensor | None = None
        single = DISTILLED if isinstance(preset.first.times, ListedTimes) else PLAIN
        if len(passes) > 1 and (self.upsampler is None or self.upsampler.config.factors != (1, 2, 2)):
            raise ValueError(
                f"the preset {preset.name} has two passes and needs a latent upsampler that doubles height and width "
                f"alone; give the pipeline one with upsampler=, or choose a preset of one pass, {single!r}"
            )
        for each in passes:
            if latents is not None and self.upsampler is not None:
                latents = upsample(latents, vae=self.vae, upsampler=self.upsampler)
                shape = VideoShape(shape.frames, 2 * shape.height, 2 * shape.width)
            latents = run_pass(
                request,
                shape,
                transformer=self.transformer,
                vae=self.vae,
                sigmas=each.times.sigmas(self.scheduler, shape.latent.tokens),
                guidance=each.guidance,
                stochastic=preset.stochastic,
                latents=latents,
            )
        assert latents is not None
        return latents

    def _decode(
        self, latents: Float[Tensor, "b c f h w"], preset: Preset, request: Request, decoder: VideoVAE | TiledVAE
    ) -> Tensor:
        """Pixels, each sample with its own decoder noise."""
        latents = tone_map(latents, preset.tone_map) if preset.tone_map else latents
        if self.vae.config.timestep_conditioning and preset.decode_noise_scale:
            latents = torch.lerp(latents, draw_noise(latents, request.generators), preset.decode_noise_scale)
        latents = latents.to(next(self.vae.parameters()).dtype)
        # The noise is mixed in already, from generators that know their sample.
        return decoder.decode(latents, timestep=preset.decode_timestep, noise_scale=0.0)

    def _encode(self, prompt: Prompt) -> TextConditioning:
        if isinstance(prompt, TextConditioning):
            return prompt
        if self.text_encoder is None:
            raise ValueError("expected TextConditioning, because the pipeline has no text encoder; got a prompt")
        return self.text_encoder.encode([prompt] if isinstance(prompt, str) else list(prompt))


def _rows(text: TextConditioning, count: int) -> TextConditioning:
    """One row for each sample."""
    if len(text) not in (1, count) or not count:
        raise ValueError(f"expected 1 prompt or as many prompts as seeds ({count}), got {len(text)}")
    return text if len(text) == count else text.repeat(count)
