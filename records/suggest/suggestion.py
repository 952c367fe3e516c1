"""A mapping.toml suggested for files, as text: what was found, and what is left to fill in."""

from __future__ import annotations

import json
from collections.abc import Mapping as Words
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from xinheng.records.codes.columns import normal_usccs, valid_usccs
from xinheng.records.sources.mapping import Identifier, Mapping, TableMapping
from xinheng.records.sources.reading import delivered_files, head_of, read_frames
from xinheng.records.suggest.headings import Fit, best_fit
from xinheng.records.suggest.values import code_list, day_forms, unit_of
from xinheng.records.tables import DERIVED_COLUMNS, ENVELOPE_DEFAULTS, PLATFORM_COLUMNS, Column

SAMPLE_ROWS = 1_000
"""Rows whose values are looked at."""
MEANING_LENGTH = 60
_SEPARATORS = ("、", ";", ";", ",", ",", "/")
_OPTIONAL = PLATFORM_COLUMNS | DERIVED_COLUMNS | {*ENVELOPE_DEFAULTS, "known_at"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file with its first rows, and what its headings mean."""

    path: Path
    rows: pl.DataFrame
    fit: Fit
    code: str
    """Heading of the USCC; empty: there is none."""

    def values(self, heading: str) -> list[str]:
        """The different values of a column in the first rows."""
        texts = self.rows[heading].cast(pl.String).str.strip_chars().drop_nulls()
        return [text for text in texts.unique(maintain_order=True).to_list() if text]


def suggest_mapping(path: Path) -> str:
    """A mapping.toml for the files at a path; valid TOML, complete where nothing is marked."""
    files = [_looked_at(file) for file in delivered_files(path)]
    code = next((one.code for one in files if one.code), "")
    lines = [
        f"# Suggested from the headings and first {SAMPLE_ROWS:,} rows of {path.name}.",
        "# Read it through; give each line below `to fill in` a source column, or a constant where",
        "# it is the same in all rows; then: xinheng records check PATH --mapping mapping.toml",
        "[identifier]",
        'kind = "uscc"',
        f"column = {_quoted(code or '?')}" + ("" if code else "  # to fill in: the USCC"),
    ]
    for file in files:
        lines += _table(file)
    return "\n".join(lines) + "\n"


def _looked_at(path: Path) -> _File:
    names = head_of(path, None).names
    part = TableMapping(name="entity", columns={})
    anything = Mapping(identifier=Identifier(kind="uscc", column=names[0]), table=[part])
    rows = next(iter(read_frames(path, anything, rows=SAMPLE_ROWS)))
    fit = best_fit(rows.columns, path.stem)
    return _File(path, rows, fit, fit.columns.get("uscc", "") or _with_codes(rows))


def _with_codes(rows: pl.DataFrame) -> str:
    """A column of which most values are valid codes."""
    for name in rows.columns:
        said = rows[name].cast(pl.String).drop_nulls()
        if said.len() and valid_usccs(normal_usccs(said)).mean() >= 0.5:  # type: ignore[operator]
            return name
    return ""


def _table(file: _File) -> list[str]:
    table, found = file.fit.table, _with_doubles(file)
    columns = [c for c in table.columns if c.name not in PLATFORM_COLUMNS | DERIVED_COLUMNS]
    mapped = [_origin(c, found[c.name], file) for c in columns if c.name in found]
    lacking = [c for c in columns if not c.nullable and c.name not in {*found, *_OPTIONAL}]
    unused = [name for name in file.rows.columns if name not in {*found.values(), file.code}]
    lines = [
        "", "[[table]]", f"name = {_quoted(table.name)}", f"file = {_quoted(file.path.name)}", "",
        "[table.columns]", *mapped,
    ]  # fmt: skip
    if lacking:
        lines += ["# to fill in:", *(_to_fill_in(c, file) for c in lacking)]
    if unused:
        lines.append(f"# not used: {', '.join(unused)}")
    return lines


def _with_doubles(file: _File) -> Words[str, str]:
    """Headings by column; one that means two columns of the table stands for both."""
    found = {name: heading for name, heading in file.fit.columns.items() if name != "uscc"}
    own = {c.name for c in file.fit.table.columns}
    pairs = [("entity_name", "name_zh"), ("region_code", "registered_region_code")]
    key = next((c.name for c in file.fit.table.own if "PK" in c.roles and c.is_key_field), "")
    for one, other in [*pairs, ("source_record_no", key)]:
        if other in own and (heading := found.get(one) or found.get(other)):
            found = {**found, one: found.get(one, heading), other: found.get(other, heading)}
    return found


def _origin(column: Column, heading: str, file: _File) -> str:
    """One line: a heading, with what its values tell of their form."""
    values = file.values(heading)
    more: dict[str, str] = {}
    if column.is_money and (unit := unit_of(heading)):
        more["unit"] = _quoted(unit)
    if column.kind in {"date", "datetime"} and (forms := day_forms(values)):
        more["date_format"] = f"[{', '.join(map(_quoted, forms))}]"
    if column.kind == "set":
        separators = [one for one in _SEPARATORS if any(one in value for value in values)]
        more |= {"separator": _quoted(separators[0])} if separators else {}
    if column.kind == "enum" and (codes := code_list(values, column, file.fit.table.name)):
        told = ", ".join(f"{_quoted(value)} = {_quoted(code)}" for value, code in codes.items())
        more["codes"] = f"{{ {told} }}"
    if not more:
        return f"{column.name} = {_quoted(heading)}"
    rest = "".join(f", {key} = {value}" for key, value in more.items())
    guess = f"  # check: {' | '.join(column.options)}" if "codes" in more else ""
    return f"{column.name} = {{ column = {_quoted(heading)}{rest} }}{guess}"


def _to_fill_in(column: Column, file: _File) -> str:
    """A line to be made true, with what it means and what it may be."""
    options = " | ".join(column.options)
    meaning = column.meaning.replace("\n", " ")[:MEANING_LENGTH]
    return f"# {column.name} = {{ constant = {_quoted(_likely(column, file))} }}  # " + (
        f"{options}: {meaning}" if options else meaning
    )


def _likely(column: Column, file: _File) -> str:
    """What a constant may be: the district that most codes name."""
    if column.name.endswith("region_code") and file.code:
        districts = normal_usccs(file.rows[file.code].cast(pl.String)).str.slice(2, 6)
        most: Sequence[str] = districts.drop_nulls().mode().sort().to_list()
        return most[0] if most else ""
    return ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
