"""Duties with deadlines: the working-day calendar, the clocks of the law and the ledger."""

from __future__ import annotations
