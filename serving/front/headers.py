"""A header of a request, without a mapping of all of them."""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: str) -> str:
    """The first of that name in lower case, as Latin-1; empty: there is none."""
    wanted = name.encode()
    for key, value in scope["headers"]:
        if key == wanted:
            told: bytes = value
            return told.decode("latin-1")
    return ""
