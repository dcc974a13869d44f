"""Text, images and clips to video: `LTXPipeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.bundle.checkpoint import Checkpoint
from ltx.bundle.index import Notes
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.place import place_of
from ltx.dtypes import working_dtype
from ltx.flow import SchedulerConfig, draw_noise, seeded
from ltx.offload import Room, at_work, device_of, dtype_of
from ltx.offload.placement import Placement, choose_device, free_memory
from ltx.offload.request import PlacementRequest, PlacementWords
from ltx.offload.settle import read_as, settle
from ltx.pipeline.generated import Decoding, Generated
from ltx.pipeline.latents import low_size, tone_map, upsample
from ltx.pipeline.options import CallOptions, Options, Prompt
from ltx.pipeline.parts import TextPlace, check_parts, place_pipeline, read_upsampler
from ltx.pipeline.passes import passes_of
from ltx.pipeline.preset import DISTILLED, PLAIN, ListedTimes, Pass, Preset, find_preset, presets
from ltx.pipeline.released import preset_of
from ltx.pipeline.request import Request
from ltx.pipeline.run import run_pass
from ltx.pipeline.size import Size
from ltx.pipeline.start import check_latents
from ltx.shapes import LatentShape, VideoShape
from ltx.text import EncodesText, TextConditioning, TextEncoder
from ltx.text.files import MODEL_FOLDER
from ltx.text.remembered import RememberedPrompts
from ltx.transformer import VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.transformer.settle import settle_transformer
from ltx.upsampler import LatentUpsampler
from ltx.upsampler.part import UPSAMPLER
from ltx.vae import VideoVAE
from ltx.vae.budget import fitting
from ltx.vae.part import VAE
from ltx.vae.temporal import AtOnce
from ltx.vae.tiling import TiledVAE, Tiling


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
        placement: where the models are, as `from_pretrained` decided; None for models that were given.

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
        self.placement: Placement | None = None
        self._prompts = RememberedPrompts()
        check_parts(transformer, vae, text_encoder, upsampler)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        text_encoder: str | Path | None = None,
        upsampler: str | Path | None = None,
        preset: str | None = None,
        revision: str | None = None,
        **placement: Unpack[PlacementWords],
    ) -> LTXPipeline:
        """Read a checkpoint from an official file, a folder, a named model or a hub id.

        Args:
            where: what to read; like the two others it may end in `@revision` if it is on the hub.
            text_encoder: where the T5 is; None is the checkpoint's own, or for official files the published one.
            upsampler: where the latent upsampler is; None is the checkpoint's own, or the one of the preset.
            preset: its name; None is the one that was saved with the checkpoint, or that of the release it is. Where
                nothing says which, a warning names the choices, and it is "plain", or "distilled" for what lists its
                times.
            revision: commit, tag or branch of a hub id.
            placement: `device`, `dtype`, `offload` and `storage` as in `PlacementRequest`. Where no type is named, it
                is the stored one, but bfloat16 for a text encoder of more than a GiB, and float32 for large models on
                a CPU that has no units for the stored type.

        Raises:
            CheckpointError: if a part cannot be found or is not what it should be.
            ValueError: for an unknown preset, type, device or word, a device with too little memory, or parts that do
                not fit each other; all but the last before a weight is read.
            TypeError: for a keyword that there is not.
        """
        wanted, named = PlacementRequest(**placement), None if preset is None else find_preset(preset)
        working_dtype(wanted.dtype)
        choose_device(wanted.device)
        root = resolve(where, MODEL_FOLDER, revision)
        place = TextPlace.of(where, root, text_encoder, revision)
        placed = place_pipeline(where, place, wanted, revision=revision)
        at, kind = read_as(placed, TRANSFORMER.name)
        checkpoint = Checkpoint.from_pretrained(where, dtype=kind, device=at, revision=revision)
        name = place_of(where, revision).name
        chosen = named or preset_of(checkpoint.identity, checkpoint.notes.preset, name)
        text: TextEncoder | None = None
        if place is not None:
            at, kind = read_as(placed, MODEL_FOLDER)
            text = TextEncoder.from_pretrained(place.where, dtype=kind, device=at, revision=place.revision)
        at, kind = read_as(placed, VAE.name)
        enlarge, enlarge_source = read_upsampler(root, chosen, named=upsampler, dtype=kind, device=at)
        pipeline = cls(checkpoint.transformer, checkpoint.vae, checkpoint.scheduler, text, enlarge, chosen)
        pipeline.sources |= {**checkpoint.notes.sources, **enlarge_source}
        if text is not None and text.source is not None:
            pipeline.sources[MODEL_FOLDER] = text.source
        pipeline._settle(placed)
        return pipeline

    def _settle(self, placement: Placement) -> None:
        """Give each model its place."""
        self.placement = placement
        room = Room()
        settle_transformer(placement, self.transformer, room)
        settle(placement, VAE.name, self.vae, room)
        if self.upsampler is not None:
            settle(placement, VAE.name, self.upsampler, room)
        if isinstance(self.text_encoder, TextEncoder):
            model = self.text_encoder.model
            for stream in settle(placement, MODEL_FOLDER, model, room, [[*model.encoder.block]]):
                stream.listen()

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
        """The same pipeline with its models moved to a device.

        Raises:
            ValueError: if it was read with models that are offloaded.
        """
        if self.placement is not None and not self.placement.plain:
            raise ValueError(
                f"expected a pipeline whose models stay on a device, got one with offload={self.placement.offload} and "
                f"storage={self.placement.storage}; name the device in from_pretrained(…, device=…)"
            )
        self.transformer.to(device)
        self.vae.to(device)
        if self.upsampler is not None:
            self.upsampler.to(device)
        if isinstance(self.text_encoder, TextEncoder):
            self.text_encoder.to(device)
        return self

    @torch.no_grad()
    def __call__(self, prompt: Prompt, **options: Unpack[CallOptions]) -> Generated:
        """Generate videos.

        Args:
            prompt: one text, several, or context tokens; several make a batch.
            options: see `Options`.

        Raises:
            ValueError: if options are out of range or do not fit each other, or a part is missing for them.
            TypeError: for an option that there is not, with the name that was probably meant.
        """
        chosen = Options.of(options)
        preset = self._preset(chosen.preset)
        size = Size(chosen.frames, chosen.height, chosen.width)
        passes = passes_of(preset, chosen)
        first = self._first_size(size, passes, preset)
        negative = None
        if any(each.guidance.uses_cfg for each in passes):
            negative = self._encode("negative_prompt", chosen.negative_prompt)
        positive = self._encode("prompt", prompt)
        channels = self.transformer.config.in_channels
        request = Request.of(chosen, positive=positive, negative=negative, channels=channels)
        latents = self._sample(request, passes, preset, first)
        result = Generated(latents, None, Decoding(preset, size, request.generators))
        if chosen.output == "latents":
            return result
        return replace(result, video=self.decode(result, tiling=chosen.tiling))

    @torch.no_grad()
    def decode(
        self,
        latents: Generated | Float[Tensor, "batch channel frame height width"],
        *,
        seed: int | Sequence[int] = 0,
        preset: str | Preset | None = None,
        tiling: Tiling | None = None,
    ) -> Float[Tensor, "batch rgb=3 out_frame out_height out_width"]:
        """The video of latents, in [−1, 1].

        Args:
            latents: what a call returned, which gives exactly its video at the size asked for; or normalised latents,
                which give all the pixels they stand for.
            seed: of the decoder's noise, for latents alone: as in `Options`.
            preset: for latents alone; None is the pipeline's.
            tiling: decode in spatial tiles; None decodes whole pictures.

        Raises:
            ValueError: for latents that are not finite or not of the model's channels.
        """
        if isinstance(latents, Generated):
            how, latents = latents.decoding, latents.latents
        else:
            check_latents("latents", latents, self.transformer.config.in_channels)
            given = Options(seed=seed).seed
            seeds = [given + row for row in range(len(latents))] if isinstance(given, int) else list(given)
            whole = LatentShape.of(latents).video
            how = Decoding(self._preset(preset), Size(whole.frames, whole.height, whole.width), seeded(seeds))
        latents = latents.to(device_of(self.vae))
        # As released: first the noise, each sample its own, then the tones.
        if self.vae.config.timestep_conditioning and how.preset.decode_noise_scale:
            generators = [generator.clone_state() for generator in how.generators]
            latents = torch.lerp(latents, draw_noise(latents, generators), how.preset.decode_noise_scale)
        latents = tone_map(latents, how.preset.tone_map) if how.preset.tone_map else latents
        latents = latents.to(dtype_of(self.vae))
        decoder = self._decoder(latents) if tiling is None else TiledVAE(self.vae, tiling, AtOnce())
        # The noise is mixed in already, from generators that know their sample.
        return how.size.crop(decoder.decode(latents, timestep=how.preset.decode_timestep, noise_scale=0.0))

    def _decoder(self, latents: Float[Tensor, "b c f h w"]) -> VideoVAE | TiledVAE:
        """The VAE, in pieces where the device has no memory to decode at once."""
        if self.placement is None:
            return self.vae
        with at_work(self.vae):  # the others have made room
            return fitting(self.vae, latents, free_memory(device_of(self.vae)))

    def _preset(self, preset: str | Preset | None) -> Preset:
        return find_preset(preset) if isinstance(preset, str) else preset or self.preset

    def _first_size(self, size: Size, passes: Sequence[Pass], preset: Preset) -> VideoShape:
        """Size of the only pass, or of the first of two."""
        if len(passes) == 1:
            return size.padded
        single = DISTILLED if isinstance(preset.first.times, ListedTimes) else PLAIN
        if self.upsampler is None or self.upsampler.config.factors != (1, 2, 2):
            raise ValueError(
                f"the preset {preset.name} has two passes and needs a latent upsampler that doubles height and width "
                f"alone; give the pipeline one with upsampler=, or choose a preset of one pass, {single!r}"
            )
        return low_size(size.padded)

    def _sample(
        self, request: Request, passes: Sequence[Pass], preset: Preset, shape: VideoShape
    ) -> Float[Tensor, "b c f h w"]:
        """Latents after one pass, or after two with the upsampler between them."""
        latents: Tensor | None = None
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

    def _encode(self, name: str, prompt: Prompt) -> TextConditioning:
        if isinstance(prompt, TextConditioning):
            return prompt
        texts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"expected text or a list of at least one for {name}, got {prompt!r}")
        if self.text_encoder is None:
            raise ValueError("expected TextConditioning, because the pipeline has no text encoder; got a prompt")
        return self._prompts.encode(self.text_encoder, list(texts))
