"""Why a score is what it is: contributions, windows added up, and a sentence for each."""

from __future__ import annotations
