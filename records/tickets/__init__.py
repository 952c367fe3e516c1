"""What waits for an answer: quarantined records and corrections asked of departments."""

from __future__ import annotations
