"""What is kept of personal data that was refused: its kind and a keyed hash."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

from xinheng.records.privacy.writing import plain

KEY_FILE = "privacy.key"
KEY_BYTES = 32
OWNER_ONLY = 0o600
MARK = "⟦QC33:"
_FORM = re.compile(r"⟦QC33:([A-Za-z_]+):([0-9A-Fa-f]{16})⟧")


@dataclass(frozen=True, slots=True)
class Seal:
    """The platform's secret salt: equal data have equal hashes here, and nowhere else."""

    key: bytes

    @classmethod
    def random(cls) -> Self:
        """A salt that ends with the process."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The salt of a lake, in a file that only its owner reads; made at the first use."""
        path = folder / KEY_FILE
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(file, "wb") as handle:
            handle.write(secrets.token_bytes(KEY_BYTES))
        return cls(path.read_bytes())

    def fingerprint(self, text: str) -> str:
        """Keyed hash of a text, however its digits and blanks are written."""
        bare = re.sub(r"\W", "", plain(text)).upper()
        return blake2b(bare.encode(), key=self.key, digest_size=8).hexdigest()

    def mark(self, kind: str, text: str) -> str:
        """What stands in place of a text with personal data."""
        return mark_of(kind, self.fingerprint(text))


def mark_of(kind: str, fingerprint: str) -> str:
    """The mark of a kind and a keyed hash."""
    return f"{MARK}{kind}:{fingerprint}⟧"


def read_mark(text: str) -> tuple[str, str] | None:
    """Kind and keyed hash of what stood in place of a mark; None: it is none."""
    found = _FORM.fullmatch(text.strip())
    return (found[1].lower(), found[2].lower()) if found else None
