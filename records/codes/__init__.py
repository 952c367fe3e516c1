"""Data dictionaries: regions, industries, synonyms, and whole columns of codes checked at once."""

from __future__ import annotations
