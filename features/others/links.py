"""The links and states of `links.toml`, checked, and the spans of time in which they hold."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files

import polars as pl
from pydantic import BaseModel, ConfigDict

from xinheng.features.knowledge import Knowledge
from xinheng.features.vocabulary.fold import Rows, rows
from xinheng.features.vocabulary.moments import begun, lasting
from xinheng.records.codes.succession import Successions
from xinheng.records.duties.days import first_moment
from xinheng.records.frames import as_moments, microseconds
from xinheng.records.in_force.intervals import without_holes
from xinheng.records.in_force.proof_columns import OBSERVABLE
from xinheng.records.spans import FROM, NEVER, UNTIL, segments
from xinheng.records.tables import MOMENT

EDGES: dict[str, pl.DataType] = {
    "link": pl.String(),
    "key": pl.String(),
    "uscc": pl.String(),
    "record_id": pl.String(),
    "since": pl.Int64(),
    "until": pl.Int64(),
}
"""An enterprise has a key from one moment until another, in microseconds."""
STATES: dict[str, pl.DataType] = {
    "state": pl.String(),
    "uscc": pl.String(),
    "record_id": pl.String(),
    "at": pl.Int64(),
    "since": pl.Int64(),
    "until": pl.Int64(),
}
"""A record puts an enterprise in a state; `at` is the moment of the fact."""
RED, REGISTER = "red", "entity"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Link(_Strict):
    """A key that ties the enterprises that have it."""

    table: str
    key: str
    where: str
    begins: str = ""
    lasts: str = ""
    direct: bool = False

    @property
    def condition(self) -> Rows:
        """Which rows tie, and when."""
        chosen = rows(self.where) & f"{self.key} is not null"
        if self.begins:
            chosen &= begun(self.begins)
        return chosen & lasting(self.lasts) if self.lasts else chosen

    @property
    def columns(self) -> set[str]:
        """Columns of the table that are read."""
        condition = self.condition
        said = [condition.where, *(e.told for e in (*condition.begins, *condition.ends))]
        return {self.key, *(name for one in said for name in one.meta.root_names())}


class RedPoint(_Strict):
    """A red warning point as a fact with a moment."""

    id: str
    table: str
    where: str
    at: str
    after_days: int = 0
    over: str = ""
    is_proven: bool = False
    """Whether it holds only from the moment at which proofs are delivered."""

    @property
    def begins(self) -> list[pl.Expr]:
        """What must have come: its own moment, and proofs."""
        return [pl.col(self.at), *([pl.col(OBSERVABLE)] if self.is_proven else [])]

    @property
    def still(self) -> str:
        """The condition under which the firm itself is warned."""
        return f"({self.where}) and {self.over} is null" if self.over else self.where


class Links(_Strict):
    """All of `links.toml`."""

    largest_key: int
    gone: str
    """Entries of the register whose enterprise is gone."""
    links: Mapping[str, Link]
    unions: Mapping[str, tuple[str, ...]]
    states: Mapping[str, tuple[str, ...]]
    """By state, names of feature columns, or a table and a condition on its records."""
    red: tuple[RedPoint, ...]

    def parts(self, name: str) -> tuple[str, ...]:
        """The plain links of a link or of a union of links."""
        return self.unions.get(name, (name,))


@cache
def links() -> Links:
    """The links as delivered with the product."""
    text = files("xinheng.features.others").joinpath("links.toml").read_text(encoding="utf-8")
    return Links.model_validate(tomllib.loads(text))


_APART = ">"


def teller() -> pl.Expr:
    """Whose record a tie (`EDGES`) comes from: of a direct one that of whoever names the other."""
    direct = [name for name, link in links().links.items() if link.direct]
    names_the_other = pl.col("key").str.split(_APART).list.first()
    return pl.when(pl.col("link").is_in(direct)).then(names_the_other).otherwise("uscc")


def edges(knowledge: Knowledge, wanted: Collection[str]) -> pl.DataFrame:
    """Who has which key when: `EDGES`.

    An enterprise that is gone has no key, whichever table tells it.
    """
    chosen = {name: links().links[name] for name in sorted(wanted)}
    found = [pl.DataFrame(schema=EDGES)]
    gone = pl.sql_expr(links().gone)
    named = {*gone.meta.root_names()}
    register = knowledge.usable(REGISTER, named) if chosen else pl.DataFrame()
    for table in sorted({link.table for link in chosen.values()}):
        own = {name: link for name, link in chosen.items() if link.table == table}
        columns = {name for link in own.values() for name in link.columns}
        if table == REGISTER:
            usable = knowledge.usable(table, columns | named).filter(~gone)
        else:
            usable = _while_there(knowledge.usable(table, columns), register, gone)
        if usable.height:
            found += [_edges(usable, name, link, knowledge.codes) for name, link in own.items()]
    return pl.concat(found)


def _while_there(rows: pl.DataFrame, register: pl.DataFrame, gone: pl.Expr) -> pl.DataFrame:
    """Rows with spans, without the time in which all that the register says is an end."""
    ended = register.filter(gone).select("uscc").unique()
    theirs = rows.select("uscc").with_row_index("row").join(ended, on="uscc", how="semi")
    if theirs.height == 0:
        return rows
    begun = pl.max_horizontal(FROM, "event_at").alias(FROM)
    entries = register.join(ended, on="uscc", how="semi").with_columns(begun)
    spans = entries.filter(pl.col(FROM) < pl.col(UNTIL))
    told = segments(spans.lazy(), ["uscc"], gone=gone.all()).filter(pl.col("gone")).collect()
    absent = told.select(
        "uscc", since=pl.col(FROM).to_physical(), until=pl.col(UNTIL).to_physical()
    )
    holes = theirs.join(absent, on="uscc").sort("row", "since")
    since, until = (microseconds(rows[edge]) for edge in (FROM, UNTIL))
    found, begins, ends = without_holes(rows, since, until, holes)
    return found.with_columns(as_moments(begins).alias(FROM), as_moments(ends).alias(UNTIL))


def red_points(knowledge: Knowledge) -> pl.DataFrame:
    """Facts behind red warning points: `STATES`, from the moment of the fact on."""
    found = [pl.DataFrame(schema=STATES)]
    for table in sorted({point.table for point in links().red}):
        own = [point for point in links().red if point.table == table]
        named = {
            name
            for point in own
            for one in (pl.sql_expr(point.where), *point.begins)
            for name in one.meta.root_names()
        }
        usable = knowledge.usable(table, named)
        if usable.height:
            found += [_red(usable, point) for point in own]
    return pl.concat(found)


def _edges(usable: pl.DataFrame, name: str, link: Link, codes: Successions) -> pl.DataFrame:
    condition = link.condition
    spans = codes.name_presently(_cut(usable.filter(condition.where), condition), link.key)
    if not link.direct:
        return _told(spans, EDGES, link=pl.lit(name), key=pl.col(link.key))
    both = pl.concat_str("uscc", link.key, separator=_APART)
    named = spans.with_columns(_both=both)
    ends = [named, named.with_columns(uscc=pl.col(link.key))]
    return _told(pl.concat(ends), EDGES, link=pl.lit(name), key=pl.col("_both"))


def _cut(usable: pl.DataFrame, condition: Rows) -> pl.DataFrame:
    """The spans of rows, cut to the time in which a condition holds."""
    since = [pl.col(FROM), pl.col("event_at"), *(edge.moment for edge in condition.begins)]
    until = [pl.col(UNTIL), *(edge.moment for edge in condition.ends)]
    cut = usable.with_columns(
        pl.max_horizontal(since).alias(FROM), pl.min_horizontal(until).alias(UNTIL)
    )
    return cut.filter(pl.col(FROM) < pl.col(UNTIL))


def _red(usable: pl.DataFrame, point: RedPoint) -> pl.DataFrame:
    at = pl.col(point.at)
    moment = first_moment(at) if usable.schema[point.at] == pl.Date else at
    fact = moment.dt.offset_by(f"{point.after_days}d").cast(MOMENT)
    dated = usable.filter(pl.sql_expr(point.where)).with_columns(_at=fact)
    begins = [pl.col(FROM), pl.col("_at"), *point.begins[1:]]
    begun_then = dated.with_columns(pl.max_horizontal(begins).alias(FROM))
    spans = begun_then.filter(pl.col(FROM) < pl.col(UNTIL))
    return _told(spans, STATES, state=pl.lit(RED), at=pl.col("_at"))


def _told(spans: pl.DataFrame, schema: Mapping[str, pl.DataType], **more: pl.Expr) -> pl.DataFrame:
    never = pl.lit(NEVER).cast(MOMENT)
    named = spans.with_columns(**more, since=FROM, until=pl.col(UNTIL).fill_null(never))
    return named.select(
        (pl.col(n).to_physical() if d == pl.Int64 else pl.col(n)).cast(d).alias(n)
        for n, d in schema.items()
    )
