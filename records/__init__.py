"""What was delivered: canonical tables, mappings, the quality gate and the lake."""

from __future__ import annotations
