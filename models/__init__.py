"""What it means: boosters, calibration, scores and exact reasons."""

from __future__ import annotations
