"""Whole checkpoints of several parts: their index, content and conversion between layouts."""
