"""A delivery at the door: personal data in its rows are hidden before anything reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from xinheng.errors import BadDelivery
from xinheng.records.gate.catalogue import FINDING_SCHEMA, rules
from xinheng.records.privacy.patterns import kinds
from xinheng.records.privacy.roles import Role, role_of, role_of_header
from xinheng.records.privacy.screen import PLACES, Screen, Subject, as_texts
from xinheng.records.privacy.seal import mark_of
from xinheng.records.sources.forms.delimited import UNSPLIT
from xinheng.records.sources.mapping import Mapping as Meaning
from xinheng.records.sources.mapping import Origin, TableMapping, placeholders
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.tables import Table

CHECK = "QC33"
PLACED: dict[str, pl.DataType] = {
    FILE: pl.Int32(), ROW: pl.Int64(), **{n: d for n, d in PLACES.items() if n != "at"}
}  # fmt: skip
"""Places by file and source row."""


@dataclass(frozen=True, slots=True)
class Screened:
    """Source rows with a mark where personal data stood, and the places."""

    rows: pl.DataFrame
    places: pl.DataFrame
    """`PLACED`."""


def screen_source(
    source: pl.DataFrame, mapping: Meaning, part: TableMapping, screen: Screen, *, where: str
) -> Screened:
    """Look at every column of source rows, mapped or not.

    Raises
    ------
    BadDelivery
        If the header itself holds personal data.
    """
    names = [name for name in source.columns if name not in {FILE, ROW}]
    _check_header([name for name in names if name != UNSPLIT], screen, where=where)
    places = screen.places(source, subjects_of(names, mapping, part))
    return Screened(_hidden(source, places), placed(source, places))


def screen_keys(rows: pl.DataFrame, screen: Screen) -> pl.DataFrame:
    """Places where a key of typed rows was to be a hash and is none: `PLACED`."""
    return placed(rows, screen.unhashed(rows))


def subjects_of(names: Sequence[str], mapping: Meaning, part: TableMapping) -> dict[str, Subject]:
    """What each source column is for: by the column that it fills, else by its header."""
    fills = {name: role for name, role in _filled(mapping, part).items() if name in names}
    own = {*part.table.schema, "uscc"}
    fills |= {UNSPLIT: Role.ROW} if UNSPLIT in names else {}
    return {
        name: Subject(
            fills.get(name, role_of_header(name)),
            "" if name in own else name,
            mapping.identifier.kind == "surrogate",
        )
        for name in names
    }


def findings_of(places: pl.DataFrame) -> pl.DataFrame:
    """QC33 for each place, in the columns of a finding; `at` is the row of `places`."""
    rule = rules()[CHECK]
    texts = {
        f"message_{language}": pl.concat_str(
            pl.format(text.replace("{field}", "{}"), "field"),
            pl.format(ends, pl.col("kind").replace_strict(_names(language)), "fingerprint"),
        )
        for language, text, ends in (
            ("en", rule.message_en, " Kind: {}, keyed hash {}."),
            ("zh", rule.message_zh, "类型：{}，加密指纹{}。"),
        )
    }
    told = places.with_row_index("at").select(
        "at", "field", check=pl.lit(CHECK), severity=pl.lit(rule.severity), **texts
    )
    return told.select(pl.col(n).cast(d) for n, d in FINDING_SCHEMA.items())


def placed(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Places by file and source row."""
    return (
        rows[places["at"]]
        .select(FILE, ROW)
        .hstack(places.drop("at"))
        .select(pl.col(n).cast(d) for n, d in PLACED.items())
    )


def _names(language: str) -> Mapping[str, str]:
    return {kind: names[language] for kind, names in kinds().items()}


def _check_header(names: Sequence[str], screen: Screen, *, where: str) -> None:
    for number, name in enumerate(names, start=1):
        if found := screen.kinds(name, Subject(Role.TEXT)):
            raise BadDelivery(
                f"{where}: the header of column {number} holds a "
                f"{kinds()[found[0]]['en']} ({CHECK})",
                hint="does the file begin with its names of columns?",
            )


def _hidden(source: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The rows with a mark in place of each text that holds personal data."""
    marks: dict[str, dict[int, str]] = {}
    for at, field, kind, fingerprint in places.iter_rows():
        marks.setdefault(field, {}).setdefault(at, mark_of(kind, fingerprint))
    columns = [
        as_texts(source[name]).clone().scatter([*marked], [*marked.values()]).alias(name)
        for name, marked in marks.items()
    ]
    return source.with_columns(columns)


def _filled(mapping: Meaning, part: TableMapping) -> dict[str, Role]:
    """The role of each source column that fills a column of the table; codes come first."""
    roles: dict[str, Role] = {}
    for name, origin in mapping.origins(part).items():
        for column, role in _sources(origin, part.table, name):
            roles.setdefault(column, role)
    key = mapping.identifier
    if key.column is not None:
        roles[key.column] = Role.CODE if key.kind == "uscc" else Role.NUMBER
    return roles


def _sources(origin: Origin, table: Table, name: str) -> list[tuple[str, Role]]:
    """Source columns of one origin; what is put together of several is text."""
    role = role_of(table.column(name))
    if origin.column is not None:
        return [(origin.column, role)]
    if origin.format is not None:
        return [(one, Role.TEXT) for one in placeholders(origin.format)]
    return []
