"""Live updates: records that were sent become part of the lake, scores, changes and alerts."""

from __future__ import annotations
