"""Benchmarks on held-out data: cards of tables, figures with intervals, and gates."""
