"""Commands about the running service: serve, its clients, its health."""

from __future__ import annotations
