"""What follows from a score: classes, confidence and the ranked inspection list."""

from __future__ import annotations
