"""Who may ask what, for which purpose, how often; and a log of every query."""

from __future__ import annotations
