"""Models of a world read to the places that were decided for them, large ones with their blocks brought one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foresight.vlm.encoder import QwenEncoder
from foresight.world.placement import choose_device, choose_dtype
from foresight.world.reference import SUBFOLDERS, part_files
from ltx.checkpoint.weight_files import weight_files
from ltx.offload import Room
from ltx.offload.placement import Placement, decide
from ltx.offload.request import PlacementRequest
from ltx.offload.settle import read_as, settle
from ltx.pipeline.parts import TextPlace, size_of, text_size, weights_size
from ltx.text import TextEncoder
from ltx.transformer import VideoTransformer
from ltx.transformer.settle import settle_transformer
from ltx.vae import VideoVAE

READERS = ("text_encoder", "vlm")
"""Parts that read text or pictures for the video model."""


def place_parts(roots: Mapping[str, Path], wanted: PlacementRequest) -> Placement:
    """Decide where parts are, before they are read.

    Args:
        roots: where each part is, by its name: the part itself, or the folder of several.
        wanted: what the user says about it.

    Raises:
        UserError: for an unknown type, or a device that is not there.
        ValueError: as `ltx.offload.placement.decide`.
    """
    choose_device(wanted.device)
    sizes = {
        model.part.name: size_of(roots[model.part.name], model, None)
        for model in (VideoTransformer, VideoVAE)
        if model.part.name in roots
    }
    if "text_encoder" in roots:
        sizes["text_encoder"] = text_size(TextPlace(roots["text_encoder"], None))
    if "vlm" in roots:
        sizes["vlm"] = weights_size(weight_files(own_folder(roots, "vlm")))
    dtypes = {part: choose_dtype(wanted.dtype, part_files(roots[part], part), reader=part in READERS) for part in sizes}
    return decide(
        sizes,
        dtypes,
        device=wanted.device,
        offload=wanted.offload,
        storage=wanted.storage,
        given=wanted.says_dtype,
    )


def own_folder(roots: Mapping[str, Path], part: str) -> Path:
    """The folder of one part; its root where that is the part itself."""
    folder = roots[part] / SUBFOLDERS[part][0]
    return folder if folder.is_dir() else roots[part]


@dataclass(frozen=True)
class PartReaders:
    """Readers of the parts of one model, which share the memory that they work in.

    Args:
        roots: as for `place_parts`.
        placement: as decided.
        room: that the parts share.
    """

    roots: Mapping[str, Path]
    placement: Placement
    room: Room = field(default_factory=Room)

    def vlm(self, *, layers: Sequence[int]) -> QwenEncoder:
        """The vision-language model, with the hidden states that are wanted."""
        device, dtype = read_as(self.placement, "vlm")
        vlm = QwenEncoder.from_pretrained(own_folder(self.roots, "vlm"), layers=layers, dtype=dtype, device=device)
        inner = vlm.model.model
        stacks = [[*inner.language_model.layers], [*inner.visual.blocks]]
        for stream in settle(self.placement, "vlm", vlm.model, self.room, stacks):
            stream.listen()
        return vlm

    def text_encoder(self) -> TextEncoder:
        """The text encoder."""
        device, dtype = read_as(self.placement, "text_encoder")
        text = TextEncoder.from_pretrained(self.roots["text_encoder"], device=device, dtype=dtype)
        for stream in settle(self.placement, "text_encoder", text.model, self.room, [[*text.model.encoder.block]]):
            stream.listen()
        return text

    def vae(self) -> VideoVAE:
        """The video VAE."""
        device, dtype = read_as(self.placement, "vae")
        vae = VideoVAE.from_pretrained(own_folder(self.roots, "vae"), device=device, dtype=dtype)
        settle(self.placement, "vae", vae, self.room)
        return vae

    def transformer(self) -> VideoTransformer:
        """The video transformer."""
        device, dtype = read_as(self.placement, "transformer")
        where = own_folder(self.roots, "transformer")
        transformer = VideoTransformer.from_pretrained(where, device=device, dtype=dtype)
        settle_transformer(self.placement, transformer, self.room)
        return transformer
