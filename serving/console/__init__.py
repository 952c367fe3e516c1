"""Pages for people: made on the server, working without JavaScript."""

from __future__ import annotations
