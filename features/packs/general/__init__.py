"""General indicators, for every enterprise."""

from __future__ import annotations
