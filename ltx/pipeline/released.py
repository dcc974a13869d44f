"""Choose the preset of a checkpoint by its release."""

from __future__ import annotations

import warnings
from dataclasses import replace

from ltx.checkpoint.identity import Identity
from ltx.pipeline.preset import DISTILLED, PLAIN, Preset, find_preset


def preset_of(identity: Identity, noted: str | None, where: str) -> Preset:
    """The preset that was noted, or that of the release; one warning where neither tells.

    What is distilled for sure is then sampled as `DISTILLED`, everything else as `PLAIN`.

    Args:
        identity: which release it is.
        noted: the preset its folder or file names, or its release.
        where: what the user named, for the message.

    Raises:
        ValueError: if the noted preset is unknown.
    """
    if identity.doubted is not None:
        warnings.warn(
            f"{where} is called {identity.doubted!r}, which its content contradicts; by its content it may be "
            f"{', '.join(identity.choices)}; choose how to sample it with preset=",
            stacklevel=3,
        )
    if noted is not None:
        return find_preset(noted)
    fitting = [find_preset(name) for name in identity.choices]
    if len({repr(replace(preset, name="")) for preset in fitting}) == 1 and len(fitting) > 1:
        return fitting[-1]
    chosen = find_preset(DISTILLED if identity.distilled else PLAIN)
    if identity.doubted is None:
        warnings.warn(
            f"{where} does not say which release it is, so it is sampled with the preset {chosen.name!r}; say how it "
            f"is meant with preset= (here {', '.join(identity.choices)} fit; {PLAIN!r} for a model of your own)",
            stacklevel=3,
        )
    return chosen
