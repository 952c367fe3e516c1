"""The forms of personal data, as `patterns.toml` declares them, compiled once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def declared() -> Mapping[str, Mapping[str, str]]:
    """The sections of `patterns.toml` that hold texts, by name."""
    sections: Mapping[str, Mapping[str, str]] = _sections()
    return sections


@cache
def kinds() -> Mapping[str, Mapping[str, str]]:
    """Kinds of personal data: their names by language (`zh`, `en`)."""
    named: Mapping[str, Mapping[str, str]] = _sections()["kinds"]  # type: ignore[assignment]
    return named


@cache
def words(name: str) -> re.Pattern[str]:
    """Words that say what a number beside them is."""
    return re.compile(declared()["words"][name], re.IGNORECASE)


@cache
def before(name: str) -> re.Pattern[str]:
    """What stands directly before a number, at the end of the text before it."""
    return re.compile(rf"(?:{declared()['prefix'][name]})[ :.#-]*$", re.IGNORECASE)


@cache
def after(name: str) -> re.Pattern[str]:
    """What stands directly after a number."""
    return re.compile(rf" *(?:{declared()['suffix'][name]})", re.IGNORECASE)


@cache
def form(section: str, key: str) -> re.Pattern[str]:
    """One declared form, to be matched as a whole."""
    return re.compile(declared()[section][key])


@cache
def _sections() -> Mapping[str, Mapping[str, str]]:
    text = files("xinheng.records.privacy").joinpath("patterns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


CARD_GROUPS = r"\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}"


@cache
def mail_signs() -> str:
    """What stands for the sign of an e-mail address, or could; without looking around it."""
    email = declared()["email"]
    spoken = "ａｔ|[a-z0-9][ _-]+at[ _-]+[a-z0-9]"
    return rf"(?i:{email['signs']}|{email['weak']}|{spoken})|＠|﹫"


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
