"""Offloading: the same video to the bit, with less at work at a time."""
