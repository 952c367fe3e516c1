"""A made-up city with known truth, for the demo, tests and benchmarks; no real firm is in it."""

from __future__ import annotations
