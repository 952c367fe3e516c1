"""xinheng demo: the whole way in one command, on a made-up city or on a study's real records."""

from __future__ import annotations

from xinheng.commands.demo.command import demo

__all__ = ["demo"]
