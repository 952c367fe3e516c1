"""Each arriving row beside the records that stood when it arrived: what becomes of it."""

from __future__ import annotations
