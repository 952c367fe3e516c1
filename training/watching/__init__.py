"""Whether the live version is still what it was when it was trained."""

from __future__ import annotations
