"""What `ltx=` and `vlm=` leave open in a configuration, read from the models' own configurations."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from ltx.home import at_home

VIDEO = ("latent_channels", "caption_channels", "blocks", "width")
VLM = ("hidden_size", "vision_size")


def fill_sizes(config: DictConfig) -> None:
    """Put the sizes of the models that are on this disk, or of those that left them open, into a configuration.

    Sizes of models that have yet to be downloaded are taken from their choice, so that costs can be told before.
    Without `layers=` an adapter reads the hidden states of the VLM's middle layer and of its last.

    Raises:
        UserError: if there is no such model, or it is not what its name says.
    """
    ltx, vlm = (config.get(name) if OmegaConf.is_dict(config.get(name)) else None for name in ("ltx", "vlm"))
    if ltx is not None and _open(ltx, VIDEO):
        from foresight.world.sizes import video_sizes

        video = video_sizes(ltx.transformer, ltx.vae)
        _fill(ltx, {name: getattr(video, name) for name in VIDEO})
    if vlm is not None and _open(vlm, (*VLM, "layers")):
        from foresight.world.sizes import VLMSizes, vlm_sizes

        text = OmegaConf.select(vlm, "architecture.text_config")
        if text is not None and not _on_disk(vlm):
            found = VLMSizes(vlm.hidden_size, vlm.vision_size, text.num_hidden_layers)
        else:
            found = vlm_sizes(vlm.where)
        layers = list(found.layers) if vlm.layers is None else vlm.layers
        _fill(vlm, {"hidden_size": found.hidden_size, "vision_size": found.vision_size, "layers": layers})


def _open(model: DictConfig, names: tuple[str, ...]) -> bool:
    if OmegaConf.is_missing(model, "where"):
        return False
    return _on_disk(model) or any(model.get(name) is None for name in names if name in model)


def _on_disk(model: DictConfig) -> bool:
    return not OmegaConf.is_missing(model, "where") and at_home(str(model.where)).exists()


def _fill(model: DictConfig, values: dict[str, Any]) -> None:
    OmegaConf.set_struct(model, False)
    for name, value in values.items():
        model[name] = value
