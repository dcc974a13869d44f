"""Fingerprints of what a result depends on, and random numbers by key."""
