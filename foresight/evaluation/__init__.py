"""Held-out measurement: metrics, baselines, intervals, and the benchmarks that print tables."""
