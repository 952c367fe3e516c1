"""Duties whose proofs are delivered, for tests about something else."""

from __future__ import annotations

from xinheng.records.duties.proofs import Proofs
from xinheng.records.duties.rules import clocks
from xinheng.records.frames import microsecond
from xinheng.records.spans import EVER

KEYS = (
    *clocks().proof_tables.items(),
    *((duty.kind, duty.table) for duty in clocks().duties),
)
DELIVERED = Proofs({key: {None: microsecond(EVER)} for key in KEYS})
"""Proofs of every kind, at any time, by a department that no record names."""
NOTHING = Proofs({})
"""Nobody delivers a proof of anything."""
