"""What would be: with other records, repairs, duties performed, or with values that are at hand."""

from __future__ import annotations
