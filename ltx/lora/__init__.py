"""Low-rank adaptation of the transformer: read, write, train, attach, merge."""

from ltx.lora.apply import (
    ATTENTION,
    FEED_FORWARD,
    Merged,
    attach,
    attached,
    create,
    detach,
    extract,
    lend,
    merge,
    put_on,
)
from ltx.lora.files import read_lora, write_lora
from ltx.lora.layer import LowRankUpdate, UpdatedLinear
from ltx.lora.names import Style
from ltx.lora.record import LoRA, LowRank, combined

__all__ = [
    "ATTENTION",
    "FEED_FORWARD",
    "LoRA",
    "LowRank",
    "LowRankUpdate",
    "Merged",
    "Style",
    "UpdatedLinear",
    "attach",
    "attached",
    "combined",
    "create",
    "detach",
    "extract",
    "lend",
    "merge",
    "put_on",
    "read_lora",
    "write_lora",
]
