"""World-model adapters for video prediction: encode, predict, verify, decide."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from foresight.own_adapters import require_own_adapters

if TYPE_CHECKING:
    from foresight.loop import PredictVerifyLoop
    from foresight.verify import Verifier
    from foresight.video.clips import load_clip
    from foresight.vlm.encoder import QwenEncoder
    from foresight.world.world_model import WorldModel

# Where each public name lives: it is imported when asked for, so that the command line starts fast.
_HOMES = {
    "PredictVerifyLoop": "foresight.loop",
    "QwenEncoder": "foresight.vlm.encoder",
    "Verifier": "foresight.verify",
    "WorldModel": "foresight.world.world_model",
    "load_clip": "foresight.video.clips",
}

__all__ = ["PredictVerifyLoop", "QwenEncoder", "Verifier", "WorldModel", "load_clip"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'foresight' has no attribute {name!r}")
    require_own_adapters()
    return getattr(import_module(_HOMES[name]), name)
