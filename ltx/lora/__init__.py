"""Low-rank adaptation of the transformer: read, write, train, attach, merge."""

from ltx.lora.apply import ATTENTION, FEED_FORWARD, Merged, attach, create, detach, extract, merge
from ltx.lora.files import read_lora, write_lora
from ltx.lora.names import Style
from ltx.lora.record import LoRA, LowRank

__all__ = [
    "ATTENTION",
    "FEED_FORWARD",
    "LoRA",
    "LowRank",
    "Merged",
    "Style",
    "attach",
    "create",
    "detach",
    "extract",
    "merge",
    "read_lora",
    "write_lora",
]
