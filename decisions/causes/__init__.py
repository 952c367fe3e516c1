"""Why a class changed: what became known, time, other rules, each with its share in points."""

from __future__ import annotations
