"""Who is asked about and when, what became of it, and what was known."""

from __future__ import annotations
