"""What is told of numbers: their meaning, and the records that made them."""

from __future__ import annotations
