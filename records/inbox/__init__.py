"""Records that arrive one by one: kept before they are answered, then taken into the lake."""

from __future__ import annotations
