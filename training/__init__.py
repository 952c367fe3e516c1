"""How we found out: studies, splits, fitting, evaluation and the record of each run."""

from __future__ import annotations
