"""Second pass: rows beside the records around them, one group of enterprises after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

from xinheng.records.asked import BUCKET, stored_schema
from xinheng.records.gate.catalogue import FINDING_SCHEMA, Check, Scene, examine, rules
from xinheng.records.gate.identity import REGISTER
from xinheng.records.gate.logic import LOGIC
from xinheng.records.gate.plausibility import PLAUSIBILITY
from xinheng.records.intake.staging import CRC, PLACE_SCHEMA, Stage
from xinheng.records.lake import Lake
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.tables import PLATFORM_COLUMNS, Table, table
from xinheng.records.versions import KEY, STORED, compared, numbered

GROUP_ROWS = 1_000_000
"""Rows of one table that are judged at a time."""
_CACHED = ("entity", "entity_change", "suspension_filing", "credit_repair", "penalty")
"""Tables that several checks ask for: read once a group."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One group of rows of one table after all checks."""

    kept: pl.DataFrame
    """As the lake stores them, with `FILE` and `ROW`."""
    findings: pl.DataFrame
    """Places and findings of rows that were not duplicates."""
    duplicates: pl.DataFrame
    """Places of rows that said nothing new, with the finding that says so."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The records around the rows under examination: stored, or arriving with them."""

    lake: Lake
    stage: Stage

    def everyone(self, name: str) -> pl.LazyFrame:
        return pl.concat(self._both(name, self.lake.rows(name)))

    def of(self, usccs: pl.Series, buckets: set[int]) -> Callable[[str], pl.LazyFrame]:
        wanted = usccs.unique().to_frame("uscc").lazy()
        cache: dict[str, pl.LazyFrame] = {}

        def records(name: str) -> pl.LazyFrame:
            if name in cache:
                return cache[name]
            both = self._both(name, self.lake.rows(name, buckets=buckets))
            found = pl.concat(rows.join(wanted, on="uscc", how="semi") for rows in both)
            if name in _CACHED:
                cache[name] = found.collect(engine="streaming").lazy()
                return cache[name]
            return found

        return records

    def _both(self, name: str, stored: pl.LazyFrame) -> list[pl.LazyFrame]:
        """Stored and arriving rows, in the columns that a source can fill."""
        own = [n for n in table(name).schema if n not in PLATFORM_COLUMNS]
        arriving = self.stage.rows(name)
        return [rows.select(own) for rows in (stored, arriving) if rows is not None]


def judged_groups(name: str, around: Neighbourhood) -> Iterator[Judged]:
    """Judge the staged rows of a table, `GROUP_ROWS` or a little more at a time."""
    staged = around.stage.rows(name)
    if staged is None:
        return
    movers = _movers(staged)
    total = staged.select(pl.len()).collect().item()
    buckets = around.lake.buckets
    groups = max(1, -(-total // GROUP_ROWS))
    unit = pl.col(CRC) % (buckets * -(-groups // buckets)) % groups
    for group in range(groups):
        rows = staged.filter(unit == group).join(movers.lazy(), on=KEY, how="anti")
        yield from _judged(name, rows.collect(engine="streaming"), around)
    if movers.height:
        moving = staged.join(movers.lazy(), on=KEY, how="semi")
        yield from _judged(name, moving.collect(engine="streaming"), around)


def _movers(staged: pl.LazyFrame) -> pl.DataFrame:
    """Facts that arrive under more than one code: their versions must be numbered together."""
    several = staged.group_by(KEY).agg(_n=pl.col("uscc").n_unique()).filter(pl.col("_n") > 1)
    return several.select(KEY).collect(engine="streaming")


def _judged(name: str, rows: pl.DataFrame, around: Neighbourhood) -> Iterator[Judged]:
    if rows.height == 0:
        return
    target = table(name)
    rows = rows.sort(FILE, ROW)
    buckets = set((rows[CRC] % around.lake.buckets).unique())
    bench = _Bench(target, rows, around, around.of(rows["uscc"], buckets))
    bench.apply(REGISTER)
    former = _former(around.lake, name, rows)
    stored = former.unique(KEY, keep="last", maintain_order=True)
    duplicates = bench.drop_known(stored, former)
    bench.apply(LOGIC)
    bench.apply(PLAUSIBILITY)
    kept = _kept(bench.rows, bench.findings, target, stored, around.lake)
    yield Judged(kept, bench.told(rows), duplicates)


@dataclass(slots=True)
class _Bench:
    """Rows still standing, and what was found so far; `_g` numbers the rows of the group."""

    table: Table
    rows: pl.DataFrame
    around: Neighbourhood
    records: Callable[[str], pl.LazyFrame]
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING_SCHEMA))

    def __post_init__(self) -> None:
        self.rows = self.rows.with_row_index("_g")

    def apply(self, checks: dict[str, Check]) -> None:
        """Examine, and take rejected rows away."""
        if self.rows.height == 0:
            return
        around = self.around
        scene = Scene(
            self.table, self.rows, self.records, around.everyone, codes=around.lake.codes
        )  # fmt: skip
        found = examine(scene, checks)
        self._add(found.with_columns(at=self.rows["_g"].gather(found["at"])))

    def drop_known(self, stored: pl.DataFrame, former: pl.DataFrame) -> pl.DataFrame:
        """Take duplicates and back-dated rows away; the duplicates, told."""
        flagged = compared(self.rows, stored, former)
        late = flagged.filter("is_back_dated")
        self.rows = flagged.filter(~pl.col("is_duplicate")).drop("is_duplicate", "is_back_dated")
        self._add(_back_dated(late))
        return _twice(flagged.filter("is_duplicate"))

    def told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """All findings with the places of their rows."""
        places = rows[self.findings["at"]].select(list(PLACE_SCHEMA))
        return places.hstack(self.findings.drop("at"))

    def _add(self, found: pl.DataFrame) -> None:
        self.findings = pl.concat([self.findings, found])
        bad = found.filter(pl.col("severity") == "reject").select(_g="at").unique()
        self.rows = self.rows.join(bad, on="_g", how="anti", maintain_order="left")


def _back_dated(late: pl.DataFrame) -> pl.DataFrame:
    rule = rules()["QC10"]
    return late.select(
        at="_g",
        check=pl.lit("QC10"),
        severity=pl.lit(rule.severity),
        field=pl.lit("known_at"),
        message_en=pl.lit("known_at is before that of a version already stored."),
        message_zh=pl.lit("到达时间早于已入库版本。"),
    ).cast(dict(FINDING_SCHEMA))  # type: ignore[arg-type]


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    """QC06, told for each row."""
    number, known = pl.col("source_record_no"), pl.col("known_at").dt.strftime("%Y-%m-%d")
    told = {
        name: pl.format(text.replace("{source_record_no}", "{}").replace(" version {version}", "")
            .replace("第{version}版", "").replace("{known_at}", "{}"), number, known)
        for name, text in (
            ("message_en", rules()["QC06"].message_en), ("message_zh", rules()["QC06"].message_zh)
        )
    }  # fmt: skip
    return rows.select(
        *PLACE_SCHEMA,
        check=pl.lit("QC06"),
        severity=pl.lit("reject"),
        field=pl.lit("source_record_no"),
        **told,
    )


def _former(lake: Lake, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The stored versions of each arriving fact, whatever firm it is filed under, by version."""
    keys = rows.lazy().select(KEY).unique()
    found = lake.rows(name).select(STORED).join(keys, on=KEY, how="semi")
    return found.collect(engine="streaming").sort("version")


def _kept(
    rows: pl.DataFrame, findings: pl.DataFrame, target: Table, stored: pl.DataFrame, lake: Lake
) -> pl.DataFrame:
    """Rows as the lake stores them, numbered, with their status; withdrawals where facts moved."""
    quarantined, warned = (
        findings.filter(pl.col("severity") == severity)["at"].unique().implode()
        for severity in ("quarantine", "warn")
    )
    status = (
        pl.when(pl.col("_g").is_in(quarantined))
        .then(pl.lit("quarantined"))
        .when(pl.col("_g").is_in(warned))
        .then(pl.lit("warned"))
        .otherwise(pl.lit("passed"))
    )
    versions = numbered(rows.with_columns(quality_status=status), stored)
    moved = _withdrawn(versions, target, lake)
    shaped = _stored_form(versions, target, lake)
    return pl.concat([shaped, moved]) if moved is not None else shaped


def _stored_form(rows: pl.DataFrame, target: Table, lake: Lake) -> pl.DataFrame:
    named = rows.with_columns(
        (pl.col(CRC) % lake.buckets).cast(pl.Int32).alias(BUCKET),
        batch_id=pl.lit(None, dtype=pl.String),
        record_id=pl.concat_str(
            pl.lit(target.name), *KEY, pl.format("v{}", pl.col("version")), separator="/"
        ),
    )
    wanted = stored_schema(target.name)
    return named.select(FILE, ROW, *(pl.col(n).cast(d) for n, d in wanted.items()))


def _withdrawn(versions: pl.DataFrame, target: Table, lake: Lake) -> pl.DataFrame | None:
    """A withdrawal under the former code for each fact that a correction files under another."""
    moved = versions.filter(pl.col("moved_from").is_not_null())
    if moved.height == 0:
        return None
    homes = moved.select(*KEY, FILE, _to="version", _at="known_at", _from="moved_from")
    here = _stored_form(versions, target, lake)
    there = lake.rows(target.name).join(moved.lazy().select(KEY), on=KEY, how="semi").collect()
    before = pl.concat([there.select(list(stored_schema(target.name))), here.drop(FILE, ROW)])
    paired = homes.join(before, on=KEY, how="inner").filter(
        (pl.col("uscc") == pl.col("_from")) & (pl.col("version") < pl.col("_to"))
    )
    last = paired.sort("version").unique([*KEY, "_to"], keep="last", maintain_order=True)
    withdrawn = last.with_columns(
        version=pl.col("_to") - 1,
        known_at=pl.col("_at"),
        operation=pl.lit("withdraw"),
    ).with_columns(
        record_id=pl.col("record_id").str.replace(r"v\d+$", pl.format("v{}", "version")),
    )
    return withdrawn.with_columns(pl.lit(None, dtype=pl.Int64).alias(ROW)).select(here.columns)
