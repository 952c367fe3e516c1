"""A mapping suggested from a file: near names, types, code lists, day forms and units."""

from __future__ import annotations
