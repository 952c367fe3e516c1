"""Whole columns: a quick look at all cells, a close look at the few that may be personal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import polars as pl

from xinheng.records.frames import FEW
from xinheng.records.privacy.few import is_large, suspects_among
from xinheng.records.privacy.hashes import FORM, looks_hashed, unhashed
from xinheng.records.privacy.kinds import find_kinds
from xinheng.records.privacy.patterns import (
    CARD_GROUPS,
    declared,
    landline_apart,
    mail_signs,
    second_look,
    second_look_at_texts,
    words,
)
from xinheng.records.privacy.roles import HASHED_FIELDS, Role
from xinheng.records.privacy.seal import MARK, Seal, read_mark

PLACES: dict[str, pl.DataType] = {
    "at": pl.UInt32(),
    "field": pl.String(),
    "kind": pl.String(),
    "fingerprint": pl.String(),
}
"""Where personal data stand: index of the row, column, kind, keyed hash; never the data."""
_LEAST = 10**10
"""Numbers below have fewer than eleven digits."""
_ODD_DIGITS = "①-⑨⓪⑴-⑼⒈-⒐❶-❾➀-➈➊-➒⁰¹²³⁴-⁹₀-₉"
_SMALL = frozenset({pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32})
_BORDERS = re.compile(r"[,;\t|\"]")
_CODE_LENGTH = 18
_CALL = 20
"""Letters of a text that is a number to call and nothing else."""
_SPOKEN_OF = re.compile("电话|手机|联系|\\+ ?86")
_SPEAKING = ("identity", "phone", "passport", "permit", "bank_card")


class Subject(NamedTuple):
    """A column under examination."""

    role: Role
    about: str = ""
    """Its header, where that is the source's own word."""
    is_foreign: bool = False
    """Of a foreign register: calls and addresses in it are of no one here."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What is looked for: the year of arrival, and the salt for what is found."""

    seal: Seal
    year: int

    def places(self, frame: pl.DataFrame, subjects: Mapping[str, Subject]) -> pl.DataFrame:
        """All places of personal data in some columns of a frame: `PLACES`."""
        found = [
            self._in_column(frame[name], subjects[name], cells)
            for name, cells in _suspects(frame, subjects).items()
        ]
        found = [one for one in found if one.height]
        return pl.concat(found).sort("at", maintain_order=True) if found else no_places()

    def unhashed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Places of keys that were to be hashed and are not: `PLACES`.

        Keys of organisations are codes; behind keys of foreign registers, whose enterprises have
        surrogate codes, there is no person.
        """
        found = []
        for name in sorted(HASHED_FIELDS & {*rows.columns}):
            different = {*rows[name].to_list()} - {None} if rows.height <= FEW else {""}
            if all(map(looks_hashed, different)):
                continue
            bad = unhashed(rows[name])
            if bad.any():
                at = (bad & _is_persons(name, rows)).arg_true()
                found.append(self._placed(name, at, rows[name].gather(at), {}))
        return pl.concat(found) if found else no_places()

    def kinds(self, text: str, subject: Subject) -> tuple[str, ...]:
        """The kinds of personal data in one text."""
        mark = read_mark(text)
        if mark is not None:
            return (mark[0],)
        if subject.role is Role.ROW:
            return self._in_row(text)
        found = find_kinds(text, subject.role, year=self.year, about=subject.about)
        return tuple(kind for kind in found if _counts(kind, text)) if subject.is_foreign else found

    def _in_row(self, text: str) -> tuple[str, ...]:
        """Of a row that could not be split, each piece that may be a cell, codes as codes."""
        found: dict[str, None] = {}
        for cell in _BORDERS.split(text):
            role = Role.CODE if len(cell.strip()) == _CODE_LENGTH else Role.TEXT
            found |= dict.fromkeys(find_kinds(cell, role, year=self.year))
        return tuple(found)

    def _in_column(self, column: pl.Series, subject: Subject, cells: pl.Series) -> pl.DataFrame:
        known = {text: self.kinds(text, subject) for text in cells.to_list()}
        kinds = {text: found for text, found in known.items() if found}
        if not kinds:
            return no_places()
        texts = as_texts(column)
        at = texts.is_in(list(kinds)).fill_null(value=False).arg_true()
        return self._placed(column.name, at, texts.gather(at), kinds)

    def _placed(
        self, name: str, at: pl.Series, texts: pl.Series, kinds: Mapping[str, tuple[str, ...]]
    ) -> pl.DataFrame:
        """Places by cell; without kinds they are keys that are no hashes."""
        rows = [
            {"at": row, "field": name, "kind": kind, "fingerprint": self._fingerprint(text)}
            for row, text in zip(at.to_list(), texts.to_list(), strict=True)
            for kind in kinds.get(text, ("unhashed",))
        ]
        return pl.DataFrame(rows, schema=PLACES)

    def _fingerprint(self, text: str) -> str:
        mark = read_mark(text)
        return mark[1] if mark is not None else self.seal.fingerprint(text)


def _counts(kind: str, text: str) -> bool:
    """Whether a kind counts in a foreign register: a call only where it is one by itself."""
    if kind in {"landline", "email"}:
        return False
    return kind != "mobile" or len(text) <= _CALL or _SPOKEN_OF.search(text) is not None


def _is_persons(name: str, rows: pl.DataFrame) -> pl.Series:
    """Which keys stand for a person of the home register and are not marked yet."""
    is_persons = ~rows[name].str.starts_with(MARK).fill_null(value=True)
    if "uscc" in rows.columns:
        is_persons &= ~rows["uscc"].str.starts_with(SURROGATE).fill_null(value=False)
    if name == "party_key" and "party_kind" in rows.columns:
        is_persons &= (rows["party_kind"] != "organisation").fill_null(value=True)
    return is_persons


@cache
def no_places() -> pl.DataFrame:
    return pl.DataFrame(schema=PLACES)


def _suspects(frame: pl.DataFrame, subjects: Mapping[str, Subject]) -> dict[str, pl.Series]:
    """By column the different texts that need a close look; columns without any are not there."""
    if frame.height <= FEW:
        return _suspects_of_few(frame, subjects)
    texts = [n for n in subjects if _is_text(frame.schema[n])]
    plain = [n for n in texts if _is_plain(subjects[n])]
    found = {n: _spoken_of(frame[n], subjects[n]) for n in texts if n not in plain}
    found |= {n: _long_ones(as_texts(frame[n]), subjects[n].role) for n in plain}
    found |= {n: _large(frame[n]) for n in subjects if frame.schema[n].is_numeric()}
    return {name: cells for name, cells in found.items() if len(cells)}


def _suspects_of_few(frame: pl.DataFrame, subjects: Mapping[str, Subject]) -> dict[str, pl.Series]:
    """The same without a query plan."""
    found: dict[str, pl.Series] = {}
    for name, subject in subjects.items():
        values, dtype = frame[name], frame.schema[name]
        if _is_text(dtype):
            texts = as_texts(values).to_list()
            cells = suspects_among(texts, subject.role, is_plain=_is_plain(subject))
            found[name] = pl.Series([*cells], dtype=pl.String)
        elif dtype.is_numeric() and any(map(is_large, values.to_list())):
            found[name] = _large(values)
    return {name: cells for name, cells in found.items() if len(cells)}


def _is_text(dtype: pl.DataType) -> bool:
    """Whether values are read as text: everything but numbers, times and truths."""
    return not (dtype.is_numeric() or dtype.is_temporal() or dtype in {pl.Boolean, pl.Null})


def _is_plain(subject: Subject) -> bool:
    """Whether only long numbers can be personal there: neither codes nor speaking headers."""
    if subject.role in {Role.CODE, Role.HASHED, Role.ROW}:
        return False
    return not any(words(kind).search(subject.about) for kind in _SPEAKING)


def as_texts(values: pl.Series) -> pl.Series:
    """Values as text: whole numbers without a fraction, members of a set with a bar between."""
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float():
        return values.cast(pl.Int64, strict=False).cast(pl.String)
    if isinstance(values.dtype, pl.List):
        return values.cast(pl.List(pl.String)).list.join(" | ", ignore_nulls=True)
    return values.cast(pl.String, strict=False)


def _large(values: pl.Series) -> pl.Series:
    """Whole numbers of eleven digits or more, as text."""
    if values.dtype in _SMALL:
        return pl.Series([], dtype=pl.String)
    is_large = values.abs() >= _LEAST
    if values.dtype.is_float():
        is_large &= values.is_finite() & (values == values.round())
    return as_texts(values.filter(is_large.fill_null(value=False))).drop_nulls().unique()


def _spoken_of(values: pl.Series, subject: Subject) -> pl.Series:
    """Texts of a column of codes or keys, or of one whose header speaks of personal data."""
    texts = as_texts(values).drop_nulls()
    if subject.role is Role.HASHED:
        return texts.filter(~texts.str.contains(FORM) | texts.str.contains(_DIGITS_ONLY)).unique()
    if subject.role is Role.CODE:
        return texts.filter(~texts.str.contains(_MARKET_CODE)).unique()
    return texts.unique()


def _long_ones(texts: pl.Series, role: Role) -> pl.Series:
    """Different texts with something like a long number, a letter and digits, or an @."""
    long = texts.filter((texts.str.len_bytes() >= _SHORTEST).fill_null(value=False)).unique()
    is_plain = long.str.len_bytes() == long.str.len_chars()
    plain = _plain_suspects(long.filter(is_plain), role)
    return pl.concat([plain, _odd_suspects(long.filter(~is_plain))])


def _plain_suspects(texts: pl.Series, role: Role) -> pl.Series:
    """Of texts in plain letters: a quick look as they stand, a narrower one without marks."""
    first = texts.filter(texts.str.contains(_first_look()))
    bare = first.str.replace_all(r"[ \-._/\\*+~()\[\]|,'#]", "")
    narrow, apart = second_look(), rf"{CARD_GROUPS}|{mail_signs()}|{landline_apart()}"
    if role is not Role.NUMBER:
        narrow = rf"{narrow}|{second_look_at_texts()}"
    return first.filter(bare.str.contains(narrow) | first.str.contains(apart))


def _odd_suspects(texts: pl.Series) -> pl.Series:
    """Of texts with other letters: those with many digits, or with words that speak."""
    count = texts.str.replace_all(_no_digit(), "").str.len_chars()
    speaks = texts.str.contains(rf"{_SPEAKING_LETTERS}|{mail_signs()}")
    return texts.filter((count >= _SHORTEST) | speaks)


SURROGATE = "9100"
"""What codes that the platform makes for foreign registers begin with."""
_SHORTEST = 8
"""Bytes of the shortest number that is personal without a word beside it, less one."""
_MARKET_CODE = r"^9[123][0-9A-HJ-NP-RTUWXY]{16}$"
"""What no identity number begins with, and no other number is as long as."""
_DIGITS_ONLY = r"^\d+[Xx]?$"
_SPEAKING_LETTERS = "⟦|电话|座机|固话|护照|通行证|回乡证|台胞证|港澳|账号|卡号"


@cache
def _no_digit() -> str:
    """All that cannot stand for a digit."""
    digits = "".join(declared()["digits"].values())
    letters = "".join(declared()["letters"].values())
    return rf"[^\p{{Nd}}{digits}{_ODD_DIGITS}{letters}]+"


@cache
def _first_look() -> str:
    """Eleven digits or more in one chain, a passport or permit, or an e-mail sign."""
    digit = rf"[0-9{''.join(declared()['letters'].values())}]"
    return (
        rf"{digit}(?:[ -/\[-`{{-~]{{0,3}}{digit}){{10}}"
        r"|[EGegHMhm][A-Za-z]?[ -]?[0-9](?:[ -]?[0-9]){6}"
        rf"|{mail_signs()}|(?i:tel|phone|passport)"
    )
