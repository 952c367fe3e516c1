"""What departments send and what it means: files, mappings, types, and rows shaped by them."""

from __future__ import annotations
