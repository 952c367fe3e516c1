"""The catalogue as a page: docs/indicators.md is what `xinheng features reference` prints."""

from __future__ import annotations

from importlib.resources import files
from itertools import groupby

from xinheng.features.catalogue import catalogue, feature_columns
from xinheng.features.explain.describe import Described, described
from xinheng.features.sectors import sectors

_HEAD = "| id | name | table | value | windows | unit | direction | without rows | why |\n"
_RULE = "|---|---|---|---|---|---|---|---|---|\n"


def reference_page() -> str:
    """All indicators by scope and group, after the notes on how the catalogue is read."""
    notes = files("xinheng.features.explain").joinpath("reference.md").read_text(encoding="utf-8")
    ones = [described(one) for one in catalogue().values()]
    columns = len(feature_columns(catalogue().values()))
    counts = f"{len(ones)} indicators, {columns} feature columns.\n"
    page = [notes, "\n## The catalogue\n\n", counts]
    for scope, group in groupby(ones, key=lambda one: one.scope):
        own = list(group)
        name = sectors()[scope].name_en if scope in sectors() else "general"
        page.append(f"\n### {name} ({len(own)})\n")
        for title, entries in groupby(
            sorted(own, key=lambda one: one.group_l1), key=lambda one: one.group_l1
        ):
            page += [f"\n{title}\n\n", _HEAD, _RULE, *map(_row, entries)]
    return "".join(page)


def _row(one: Described) -> str:
    windows = ", ".join("state" if days == 0 else f"{days} d" for days in one.windows_days)
    unit = f"{one.unit}, log1p" if one.enters_as == "log1p" else one.unit
    cells = (
        f"`{one.id}`", f"{one.name_zh}<br>{one.name_en}", f"`{one.table}`", f"`{one.value}`",
        windows, unit, one.direction, one.without_rows, one.rationale,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
