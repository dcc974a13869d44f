"""Numbers that follow from `ltx=` and `vlm=`, read from the models' own configurations: no choice says them again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig, OmegaConf

from foresight.errors import UserError
from ltx.home import at_home


def fill_sizes(config: DictConfig) -> None:
    """Add the sizes of the chosen models: from their files, or as published where they have yet to be downloaded.

    `ltx` receives `latent_channels`, `caption_channels`, `blocks`, `width`, and `context_frames`, its `context` in
    frames of video; `vlm` receives `hidden_size` and `vision_size`, and without `layers=` the hidden states of its
    middle layer and of its last.

    Raises:
        UserError: if there is no such model, it is not what its name says, or the context is no number of frames.
    """
    ltx, vlm = (config.get(name) if OmegaConf.is_dict(config.get(name)) else None for name in ("ltx", "vlm"))
    if ltx is not None and "context" in ltx:
        _fill(ltx, {"context_frames": _context_frames(ltx.context)})
    if ltx is not None and not OmegaConf.is_missing(ltx, "where"):
        from foresight.world.sizes import published_video_sizes, video_sizes

        release = ltx.get("architecture")
        published = release is not None and not _on_disk(ltx)
        _fill(ltx, asdict(published_video_sizes(release) if published else video_sizes(ltx.transformer, ltx.vae)))
    if vlm is not None and not OmegaConf.is_missing(vlm, "where"):
        from foresight.world.sizes import published_vlm_sizes, vlm_sizes

        architecture = vlm.get("architecture")
        if architecture is not None and not _on_disk(vlm):
            sizes = published_vlm_sizes(dict(architecture))
        else:
            sizes = vlm_sizes(vlm.where)
        layers = list(sizes.layers) if vlm.get("layers") is None else vlm.layers
        _fill(vlm, {"hidden_size": sizes.hidden_size, "vision_size": sizes.vision_size, "layers": layers})


def _context_frames(context: Any) -> int:
    from ltx.shapes import TIME

    if not isinstance(context, int) or isinstance(context, bool) or context < 1:
        raise UserError(
            expected="ltx.context= a whole number of latent frames, at least 1",
            got=repr(context),
            remedy=f"1 is a picture, every further one {TIME} frames",
        )
    return (context - 1) * TIME + 1


def _on_disk(model: DictConfig) -> bool:
    return at_home(str(model.where)).exists()


def _fill(model: DictConfig, values: dict[str, Any]) -> None:
    OmegaConf.set_struct(model, False)
    for name, value in values.items():
        model[name] = value
