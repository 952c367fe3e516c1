"""How good a version is, beside what a city has without it, and for whom."""

from __future__ import annotations
