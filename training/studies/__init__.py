"""Public data sets: from a delivery to figures, out of two TOML files."""

from __future__ import annotations
