"""E-mail addresses in whatever spelling."""

from __future__ import annotations
