"""The indicator packs: one file a subject or a sector; a new indicator is one entry."""

from __future__ import annotations
