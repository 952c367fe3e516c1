"""An application whose store fails in a way nobody foresaw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from fastapi import FastAPI

from tests.conftest import AT
from xinheng.database import open_database
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.doctor import Check


class Broken:
    """Whatever is asked of it."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def fail(*_: Any, **__: Any) -> NoReturn:
            raise ZeroDivisionError(name)

        return fail


def broken_app(
    folder: Path, *, missing: Callable[[], Sequence[Check]] | None = None
) -> tuple[FastAPI, str]:
    """The application, and the key of a client that may do everything."""
    access = Access.of(open_database(f"sqlite:///{folder / 'broken.db'}"), lambda: AT)
    _, key = access.guard.store.add("某系统", SCOPES, by="王科长", at=AT)
    return create_app(Broken(), access, missing=missing), key  # type: ignore[arg-type]
