"""Objectives that the parts of Foresight are trained with, one file each."""
