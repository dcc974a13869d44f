"""Checkpoints: formats recognised by content, renamed by rules that are data, loaded strictly, written safely."""

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.load import load_model
from ltx.checkpoint.part import Part
from ltx.checkpoint.save import save_model, save_official
from ltx.checkpoint.stored import StoredModule

__all__ = ["CheckpointError", "Part", "StoredModule", "load_model", "save_model", "save_official"]
