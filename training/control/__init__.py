"""Which version is live, who decided it, and why."""

from __future__ import annotations
