"""Benchmarks: each a command that runs what it compares side by side, and prints ratios."""
