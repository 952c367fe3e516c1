"""Who gets told: the API and the console."""

from __future__ import annotations
