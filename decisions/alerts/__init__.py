"""Warnings about one duty, one event or one state of one enterprise, early enough to act."""

from __future__ import annotations
