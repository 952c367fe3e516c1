"""Assessments, changes and lists in the operational database."""

from __future__ import annotations
