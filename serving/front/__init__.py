"""In front of all routes: the fast lane, the reception, how headers and bodies are read."""

from __future__ import annotations
