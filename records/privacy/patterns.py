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
