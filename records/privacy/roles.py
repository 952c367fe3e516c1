"""What a column is for: numbering columns hold long numbers that are nobody's."""

from __future__ import annotations

from enum import StrEnum

from xinheng.records.privacy.patterns import words
from xinheng.records.tables import Column

HASHED_FIELDS = frozenset({"legal_rep_key", "party_key", "contact_key"})
"""Salted hashes of personal data; the source makes them."""
_CODES = frozenset({"uscc", "authority_uscc", "agent_key"})
_NUMBERS = ("_no", "_id", "_code")


class Role(StrEnum):
    """How the values of a column are looked at."""

    TEXT = "text"
    NUMBER = "number"
    """Numbers of files, licences, batches."""
    CODE = "code"
    """Codes of enterprises: feeds write identity numbers of persons there."""
    REGISTER = "register"
    """15-digit numbers of the former business register."""
    AMOUNT = "amount"
    ROW = "row"
    """A whole row that could not be split into cells."""
    HASHED = "hashed"


def role_of(column: Column) -> Role:
    """The role of a column of a record table."""
    if column.name in HASHED_FIELDS:
        return Role.HASHED
    if column.name == "former_uscc":
        return Role.REGISTER
    if column.name in _CODES:
        return Role.CODE
    if column.name.endswith(_NUMBERS):
        return Role.NUMBER
    return Role.AMOUNT if column.kind == "decimal" else Role.TEXT


def role_of_header(name: str) -> Role:
    """The role of a column that no mapping names, by its header."""
    if any(words(kind).search(name) for kind in ("identity", "phone", "passport", "bank_card")):
        return Role.TEXT
    for kind, role in (
        ("amount", Role.AMOUNT), ("register", Role.REGISTER), ("code", Role.CODE),
        ("numbering", Role.NUMBER),
    ):  # fmt: skip
        if words(kind).search(name):
            return role
    return Role.TEXT
