"""Every word of the pages, in Chinese and English: the catalogue is `words.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def words(language: Language) -> dict[str, str]:
    """All words in one language, by key."""
    text = files("xinheng.serving.console").joinpath("words.toml").read_text(encoding="utf-8")
    return {key: pair[language] for key, pair in tomllib.loads(text).items()}
