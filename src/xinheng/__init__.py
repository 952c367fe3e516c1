"""Xinheng 信衡: what was known about an enterprise at `as_of`, and what it means."""

from __future__ import annotations

__version__ = "0.1.0"
