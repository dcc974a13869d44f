"""Videos of a folder as clips of several sizes and lengths at once, pictures among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from foresight.data.encode import EncodedClips
from foresight.data.encoders import StoredLatents
from foresight.data.mixed import MixedClips
from foresight.data.videos import VideoClips
from foresight.errors import UserError


def mixed_videos(
    *,
    folder: str | Path,
    split: str | None,
    kinds: Mapping[str, Sequence[int]],
    frame_rate: float,
    every: str | int | None,
    skip: Sequence[str],
    vae: str | Path,
    root: str | Path,
) -> MixedClips:
    """Latents of every video in every kind of clip, each computed once.

    Args:
        folder: see `VideoClips`.
        split: see `VideoClips`.
        kinds: by name, frames, height and width of a clip; one frame is a picture.
        frame_rate: frames per second of all.
        every: see `VideoClips`; pictures and short clips are taken as far apart as long ones.
        skip: see `VideoClips`; a video that is too short for one kind may serve another.
        vae: a file, a folder, the name of a release or a hub id.
        root: folder of caches.

    Raises:
        UserError: if a kind has not three numbers.
        ValueError: if there is no kind, or one has no size of a clip.
    """
    wrong = {name: list(kind) for name, kind in kinds.items() if len(kind) != 3}
    if wrong:
        raise UserError(
            expected="kinds of clips as [frames, height, width]",
            got=", ".join(f"{name}: {kind}" for name, kind in wrong.items()),
            remedy="write data.train.kinds.short=[9,64,64]",
        )
    latents = StoredLatents(where=vae, precision="bfloat16")
    return MixedClips(
        parts={
            name: EncodedClips(
                clips=VideoClips(
                    folder=folder,
                    split=split,
                    frames=frames,
                    frame_rate=frame_rate,
                    size=(height, width),
                    every=every,
                    skip=skip,
                ),
                encoders={"latents": latents},
                root=root,
                batch=8,
                shard=1024,
            )
            for name, (frames, height, width) in kinds.items()
        }
    )
