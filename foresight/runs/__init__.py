"""Directories of runs: complete or not there at all, and what killed processes leave behind."""
