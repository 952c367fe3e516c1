"""Texts in one way of writing, and the chains of digits in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from xinheng.records.privacy.patterns import declared

_DASHES = "‐‑‒–—―−﹘﹣－ー"
_DOTS = "·•∙․。｡・‧⋅"
_ZERO_WIDTH = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u20e3")
_BETWEEN = r"[ \-._/\\*+~()\[\]|,'#]{0,3}"
_CHAIN = re.compile(rf"\d+(?:{_BETWEEN}\d+)*(?:{_BETWEEN}X(?![A-Z]))?", re.IGNORECASE)
_GROUP = re.compile(r"\d+(?:[ -]?X(?![A-Z0-9]))?", re.IGNORECASE)
LONGEST_CHAIN = 60
"""Groups of a chain that are looked at from each of them on: longer ones than any number has."""


@dataclass(frozen=True, slots=True)
class Number:
    """Neighbouring groups of digits of a text, as one number."""

    digits: str
    """Without what stands between; the last may be an X."""
    sizes: tuple[int, ...]
    between: str
    """All that stands between the groups."""
    before: str
    """The text before it."""
    after: str

    @property
    def touches_digits(self) -> bool:
        """Whether a digit stands directly beside it."""
        return self.before[-1:].isdigit() or self.after[:1].isdigit()

    @property
    def follows_letter(self) -> bool:
        last = self.before[-1:]
        return last.isascii() and last.isalpha()

    @property
    def leads_letter(self) -> bool:
        first = self.after[:1]
        return first.isascii() and first.isalpha()


def plain(text: str) -> str:
    """Compatible letters folded, digits of any script as 0 to 9, marks and odd blanks gone.

    >>> plain("１3八–1234\u200b 伍六78"), plain("1️⃣3")
    ('138-1234 5678', '13')
    """
    if text.isascii():
        return text.translate(_ASCII_BLANKS)
    folded = unicodedata.normalize("NFKC", text)
    return "".join(map(_letter, folded))


_ASCII_BLANKS = str.maketrans("\t\n\r\x0b\x0c\x1f", "      ")


@cache
def _letter(letter: str) -> str:
    """One letter as it is compared; nothing for what is not seen."""
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.digit(letter))
    if category in {"Cf", "Mn", "Me"} or letter in _ZERO_WIDTH:
        return ""
    if category.startswith("Z") or category == "Cc":
        return " "
    return _alike().get(letter, letter)


@cache
def _alike() -> dict[str, str]:
    """What is read as a digit, a dash, a dot or an X."""
    marks = dict.fromkeys(_DASHES, "-") | dict.fromkeys(_DOTS, ".") | dict.fromkeys("×✕✖", "X")
    return marks | {c: digit for digit, letters in declared()["digits"].items() for c in letters}


def as_digits(text: str) -> str:
    """The text with letters that are written for digits as digits: O as 0, l as 1."""
    return text.translate({ord(c): d for d, cs in declared()["letters"].items() for c in cs})


def numbers(text: str, lengths: frozenset[int]) -> Iterator[Number]:
    """All neighbouring groups of digits of a plain text that have one of these lengths together."""
    for chain in _CHAIN.finditer(text):
        if len(chain[0]) >= min(lengths):
            yield from _numbers(text, chain.start(), chain[0], lengths)


def _numbers(text: str, start: int, chain: str, lengths: frozenset[int]) -> Iterator[Number]:
    groups = [*_GROUP.finditer(chain)]
    texts = [re.sub("[ -]", "", group[0]) for group in groups]
    for first in range(len(groups)):
        total = 0
        for last in range(first, min(len(groups), first + LONGEST_CHAIN)):
            total += len(texts[last])
            if total > max(lengths):
                break
            if total in lengths:
                yield _number(text, start, groups[first : last + 1], texts[first : last + 1])


def _number(text: str, start: int, groups: Sequence[re.Match[str]], texts: Sequence[str]) -> Number:
    begin, end = start + groups[0].start(), start + groups[-1].end()
    inner = text[begin:end]
    return Number(
        "".join(texts).upper(), tuple(map(len, texts)), re.sub("[0-9Xx]", "", inner),
        text[:begin], text[end:],
    )  # fmt: skip


def runs(text: str, least: int) -> Iterator[str]:
    """Digits that stand together, at least so many; a final X counts."""
    for found in re.finditer(rf"\d{{{least},}}X?", text.upper()):
        yield found[0]
