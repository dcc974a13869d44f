"""Configurations, benchmarks and clips."""
