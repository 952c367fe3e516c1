"""What a close look could call personal, of texts in plain letters: narrow, and never less."""

from __future__ import annotations

from functools import cache

from xinheng.records.privacy.patterns import declared

CARD_GROUPS = r"\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|@|(?i:\bat\b.*\bdot\b)|(?i:[(\[{]at[)\]}])"
"""Groups of a card, and signs of an e-mail address."""


@cache
def second_look() -> str:
    """Of plain letters without marks between: what a close look could call personal."""
    day = r"(?:0[1-9]|1[0-2])[0-3]\d"
    letters = "".join(declared()["letters"].values())
    return (
        rf"1[3-9]\d{{9}}|[1-8]\d{{5}}(?:1[89]|20)\d\d{day}\d{{3}}"
        rf"|[1-8]\d{{5}}[2-9]\d{day}\d{{3}}"
        rf"|62\d{{14}}|(?i:card|account|passport|permit|tel|phone)"
        rf"|[0-9][{letters}][0-9]|^[{letters}][0-9]"
    )


@cache
def second_look_at_texts() -> str:
    """The same of texts that are not numbers of things: passports and calls without a mark."""
    areas = declared()["landline"]["areas"]
    return rf"(?i:[EGHM][A-Z]?\d{{7}})|0(?:{areas})[2-8]\d{{6}}|86(?:{areas})[2-8]\d{{6}}"


@cache
def landline_apart() -> str:
    """An area code with a mark after it."""
    areas = declared()["landline"]["areas"]
    return rf"^[(+0-9 -]{{0,8}}0?(?:{areas})\)?[ /-]{{0,2}}[2-8]\d{{2,3}}[ -]?\d{{4}}$"
