"""The catalogue's page: every indicator with its meaning, by group."""

from __future__ import annotations

from collections.abc import Mapping

from xinheng.features.catalogue import catalogue
from xinheng.features.explain.describe import Described, described
from xinheng.features.indicator import GENERAL
from xinheng.features.sectors import sectors
from xinheng.serving.console.words import Language, words


def scopes(language: Language) -> Mapping[str, str]:
    """Titles of the scopes: general, then the sectors."""
    named = {n: s.name_zh if language == "zh" else s.name_en for n, s in sectors().items()}
    return {GENERAL: words(language)["general"], **named}


def entries(scope: str, text: str) -> list[Described]:
    """The indicators of a scope (empty: all) whose names, id or table contain a text."""
    wanted = text.strip().lower()
    ones = (described(one) for one in catalogue().values())
    return [
        one
        for one in ones
        if scope in {"", one.scope}
        and wanted in f"{one.id} {one.name_zh} {one.name_en} {one.table}".lower()
    ]


def by_group(ones: list[Described]) -> Mapping[str, list[Described]]:
    """Entries by their two levels of groups, in the order of the catalogue."""
    found: dict[str, list[Described]] = {}
    for one in ones:
        found.setdefault(f"{one.group_l1} · {one.group_l2}", []).append(one)
    return found
