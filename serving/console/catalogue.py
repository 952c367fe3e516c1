"""The catalogue's page: every indicator with its meaning, by group."""

from __future__ import annotations

from collections.abc import Mapping

from xinheng.features.catalogue import catalogue
from xinheng.features.explain.describe import Described, described
from xinheng.features.indicator import GENERAL
from xinheng.features.sectors import sectors
from xinheng.serving.console.words import Language, words

GROUPS = {
    "企业基础属性信息": "Basic attributes",
    "企业动态信息": "Dynamic information",
    "监管信息": "Supervision",
    "关联关系信息": "Relations",
    "社会评价信息": "Social evaluation",
}
"""The five national groups (domain specification, section 4); level 2 is told in Chinese."""


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


def by_group(ones: list[Described], language: Language) -> Mapping[str, list[Described]]:
    """Entries by their two levels of groups, in the order of the five national groups."""
    found: dict[str, list[Described]] = {}
    for one in sorted(ones, key=lambda one: list(GROUPS).index(one.group_l1)):
        level_1 = one.group_l1 if language == "zh" else GROUPS[one.group_l1]
        found.setdefault(f"{level_1} · {one.group_l2}", []).append(one)
    return found
