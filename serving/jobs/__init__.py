"""Questions about more enterprises than fit into one answer: a file in, a file out."""

from __future__ import annotations
