"""Checkpoints: formats recognised by content, renamed by rules that are data, loaded strictly, written safely."""

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.load import load_model
from ltx.checkpoint.parts import TRANSFORMER, UPSAMPLER, VAE, Part
from ltx.checkpoint.save import save_model, save_official

__all__ = ["TRANSFORMER", "UPSAMPLER", "VAE", "CheckpointError", "Part", "load_model", "save_model", "save_official"]
