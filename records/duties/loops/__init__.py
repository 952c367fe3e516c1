"""The inner loops of the ledger, compiled by numba: what was known of a duty, and when."""

from __future__ import annotations
