"""Few rows, as in a question of what-if: looked at in Python, where a query plan costs more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache

from xinheng.records.privacy.hashes import FORM
from xinheng.records.privacy.patterns import (
    CARD_GROUPS,
    declared,
    landline_apart,
    mail_signs,
    second_look,
    second_look_at_texts,
)
from xinheng.records.privacy.roles import Role

_MARKET_CODE = re.compile(r"9[123][0-9A-HJ-NP-RTUWXY]{16}")
_HASH = re.compile(FORM)
_LONG = 11
"""Digits of the shortest number that needs no word or letter beside it."""
_SHORTEST = 7
_LETTERS = frozenset("EGHMeghm@")
_WORDS = ("电话", "座机", "固话", "护照", "通行证", "回乡证", "台胞证", "⟦")


def suspects_among(texts: Iterable[str | None], role: Role, *, is_plain: bool) -> Collection[str]:
    """Different texts of a column that need a close look."""
    different = {text for text in texts if text}
    if role is Role.HASHED:
        return [text for text in different if text.isdigit() or not _HASH.match(text)]
    if role is Role.CODE:
        return [text for text in different if not _MARKET_CODE.fullmatch(text)]
    return [text for text in different if _needs_look(text)] if is_plain else different


def _needs_look(text: str) -> bool:
    """Whether a text has the digits of a long number, or a letter or word that makes it one."""
    if len(text) < _SHORTEST:
        return False
    count = len(text) - len(text.translate(_without_digits()))
    if not text.isascii():
        count = max(count, sum(map(str.isdigit, text)))
        speaks = any(word in text for word in _WORDS)
        return count >= _SHORTEST or speaks or _plain_words().search(text) is not None
    if count >= _SHORTEST and (count >= _LONG or not _LETTERS.isdisjoint(text)):
        return bool(_narrow().search(text.translate(_MARKS)) or _apart().search(text))
    return _plain_words().search(text) is not None


def is_large(value: float | None) -> bool:
    """Whether a number has eleven digits or more."""
    return value is not None and abs(value) >= 10 ** (_LONG - 1)


_MARKS = dict.fromkeys(map(ord, r" -._/\*+~()[]|,'#"))


@cache
def _narrow() -> re.Pattern[str]:
    return re.compile(f"{second_look()}|{second_look_at_texts()}")


@cache
def _apart() -> re.Pattern[str]:
    return re.compile(f"{CARD_GROUPS}|{landline_apart()}|{_plain_words().pattern}", re.IGNORECASE)


@cache
def _plain_words() -> re.Pattern[str]:
    return re.compile(f"{mail_signs()}|tel|phone|passport", re.IGNORECASE)


@cache
def _without_digits() -> dict[int, None]:
    """Deletes what can stand for a digit."""
    said = "".join((*declared()["digits"].values(), *declared()["letters"].values()))
    odd = "①②③④⑤⑥⑦⑧⑨⓪０１２３４５６７８９"
    return dict.fromkeys(map(ord, f"0123456789{said}{odd}"))
