"""What was known: indicators, the engine that computes them and the evidence behind them."""

from __future__ import annotations
