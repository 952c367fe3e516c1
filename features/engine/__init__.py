"""The one engine: from records to numbers, for one enterprise or all of them."""

from __future__ import annotations
