"""xinheng records: deliveries in, what became of them, and the tickets they opened."""

from __future__ import annotations

from xinheng.commands.records.deliveries import records

__all__ = ["records"]
