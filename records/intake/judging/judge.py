"""Second pass: rows beside the records that stood when they arrived, until nothing changes.

What a row may see depends on what became of the rows of earlier deliveries. All deliveries that
are taken together are judged at once, as if every row passed; then the rows near those that did
not are judged again. What remains is what judging one delivery after the other would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from xinheng.records.asked import BUCKET, stored_schema
from xinheng.records.gate.catalogue import FINDING_SCHEMA, Check, Scene, examine, rules
from xinheng.records.gate.identity import CONFIRMED_CODES, REGISTER
from xinheng.records.gate.logic import LOGIC
from xinheng.records.gate.numbers import RELATION, number_findings
from xinheng.records.gate.plausibility import PLAUSIBILITY
from xinheng.records.gate.validity import DELIVERY, IS_KEPT, PLACE, SEEN_FROM
from xinheng.records.intake.judging.chain import MOVED_FROM, STORED, related
from xinheng.records.intake.judging.neighbourhood import (
    COPY,
    OUTCOME,
    OUTCOMES,
    PASSED,
    QUARANTINED,
    REJECTED,
    WARNED,
    Neighbourhood,
    no_outcomes,
)
from xinheng.records.intake.staging import CRC, FOUND_SCHEMA, PLACE_SCHEMA
from xinheng.records.lake import Lake
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.tables import Table, table
from xinheng.records.versions import KEY, numbered

GROUP_ROWS = 1_000_000
"""Rows of one table that are judged at a time."""


@dataclass(slots=True)
class Verdict:
    """What was found out about the arriving rows of one table."""

    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FOUND_SCHEMA))
    """Places and findings of rows that were not duplicates."""
    duplicates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FOUND_SCHEMA))
    """Places of rows that said nothing new, with the finding that says so."""
    outcomes: pl.DataFrame = field(default_factory=no_outcomes)
    read: set[tuple[str, bool]] = field(default_factory=set)
    """Tables that were looked at, and whether of all enterprises."""

    def replace(self, places: pl.DataFrame, new: Verdict) -> None:
        """Put what was found out anew in the place of what was known of some rows."""
        for name in ("findings", "duplicates", "outcomes"):
            before: pl.DataFrame = getattr(self, name)
            others = before.join(places, on=[FILE, ROW], how="anti", maintain_order="left")
            setattr(self, name, pl.concat([others, getattr(new, name)]))
        self.read |= new.read


@dataclass(slots=True)
class _Stale:
    """Rows of a table that must be judged, because something that they see has changed."""

    usccs: set[str] = field(default_factory=set)
    everyone: bool = False


def judge(
    names: Sequence[str], around: Neighbourhood, *, on_step: Callable[[str], None]
) -> dict[str, Verdict]:
    """Judge all arriving rows of some tables, in this order, until no outcome changes."""
    verdicts = {name: Verdict() for name in names}
    stale = {name: _Stale(everyone=True) for name in names}
    for _ in range(len(around.deliveries) + 2):
        if not stale:
            return verdicts
        for name in [n for n in names if n in stale]:
            changed = _judged(name, around, verdicts[name], stale.pop(name))
            for other, verdict in verdicts.items():
                rows = changed.own if other == name else changed.others
                _mark(other, (name, verdict.read), rows, stale)
            on_step(f"{name}: {changed.rows:,} rows judged")
    raise AssertionError("each round settles one more delivery")


def _mark(
    name: str, seen: tuple[str, set[tuple[str, bool]]], changed: set[str], stale: dict[str, _Stale]
) -> None:
    """Mark the rows of a table that saw what has changed about some enterprises."""
    other, read = seen
    by_all = (other, True) in read
    if changed and (by_all or (other, False) in read):
        mark = stale.setdefault(name, _Stale())
        mark.usccs |= changed
        mark.everyone |= by_all


@dataclass(slots=True)
class _Changed:
    """Enterprises of which later deliveries see something else than was thought."""

    rows: int = 0
    others: set[str] = field(default_factory=set)
    """To rows of other tables."""
    own: set[str] = field(default_factory=set)
    """To rows of the same table."""


def _judged(name: str, around: Neighbourhood, verdict: Verdict, stale: _Stale) -> _Changed:
    """Judge the stale rows of a table anew."""
    changed = _Changed()
    for rows in _groups(name, around, stale):
        before = around.outcomes.get(name, no_outcomes())
        bench = _Bench(table(name), rows, around)
        found = bench.verdict()
        verdict.replace(rows.select(FILE, ROW), found)
        around.outcomes[name] = verdict.outcomes
        again = rows.filter(pl.len().over(KEY) > 1)
        thought, now = (o.filter(pl.col(OUTCOME) != COPY) for o in (before, found.outcomes))
        changed.rows += rows.height
        changed.others |= _differing(rows, before, found.outcomes, around)
        changed.own |= _differing(rows, bench.thought, found.outcomes, around)
        changed.own |= _differing(again, thought, now, around)
    return changed


def _differing(
    rows: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, around: Neighbourhood
) -> set[str]:
    """Enterprises of rows that some later delivery sees, with another outcome than before."""
    seen = rows.filter(pl.col(SEEN_FROM) < len(around.deliveries)).select(PLACE, "uscc")
    for frame, side in ((before, "_before"), (after, "_after")):
        grave = frame.filter((pl.col(OUTCOME) != WARNED) | pl.col(MOVED_FROM).is_not_null())
        known = grave.select(PLACE, pl.struct(OUTCOME, MOVED_FROM).alias(side))
        seen = seen.join(known, on=PLACE, how="left", maintain_order="left")
    return set(seen.filter(pl.col("_before").ne_missing(pl.col("_after")))["uscc"])


def _groups(name: str, around: Neighbourhood, stale: _Stale) -> Iterator[pl.DataFrame]:
    """The stale rows of a table, `GROUP_ROWS` or a little more at a time; all of each fact."""
    staged = around.staged(name)
    if staged is None:
        return
    moving = _moving(staged)
    chosen = staged
    if not stale.everyone:
        usccs = pl.concat([pl.DataFrame({"uscc": [*stale.usccs]}, moving.schema), moving])
        chosen = staged.join(usccs.unique().lazy(), on="uscc", how="semi")
    total = chosen.select(pl.len()).collect().item()
    buckets = around.lake.buckets
    groups = max(1, -(-total // GROUP_ROWS))
    unit = pl.col(CRC) % (buckets * -(-groups // buckets)) % groups
    parts = [chosen.filter(unit == group) for group in range(groups)]
    if moving.height:
        parts = [part.join(moving.lazy(), on="uscc", how="anti") for part in parts]
        parts.append(staged.join(moving.lazy(), on="uscc", how="semi"))
    for part in parts:
        rows = part.collect(engine="streaming")
        if rows.height:
            yield rows.sort(FILE, ROW)


def _moving(staged: pl.LazyFrame) -> pl.DataFrame:
    """Enterprises with numbers that arrive under more than one code: looked at together."""
    several = staged.group_by(KEY).agg("uscc").filter(pl.col("uscc").list.n_unique() > 1)
    return several.select(pl.col("uscc").explode()).unique().collect(engine="streaming")


@dataclass(slots=True)
class _Bench:
    """Rows still standing, and what was found so far; `_g` numbers the rows of the group."""

    table: Table
    all: pl.DataFrame
    around: Neighbourhood
    rows: pl.DataFrame = field(init=False)
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING_SCHEMA))
    copies: pl.DataFrame = field(init=False)
    thought: pl.DataFrame = field(default_factory=no_outcomes)
    """What was thought of the table's rows when a step first looked at them."""

    def __post_init__(self) -> None:
        self.rows = self.all.with_row_index("_g")
        self.copies = self.rows.clear()

    def verdict(self) -> Verdict:
        """Apply all checks, in their order."""
        lake, name = self.around.lake, self.table.name
        self.around.read.clear()
        for step in (CONFIRMED_CODES, REGISTER, LOGIC, PLAUSIBILITY):
            if not self._reads_itself():
                self.thought = self.around.outcomes.get(name, no_outcomes())
            self._apply(step)
            if step is REGISTER:
                self._relate(_former(lake, name, self.rows))
            self._think()
        read = {*self.around.read, (name, False)}
        return Verdict(self._told(), _twice(self.copies), self._outcomes(), read)

    def _reads_itself(self) -> bool:
        return any(name == self.table.name for name, _ in self.around.read)

    def _think(self) -> None:
        """Let later steps know at once which rows are rejected or say nothing new."""
        before = self.around.outcomes.get(self.table.name, no_outcomes())
        now = self._outcomes().filter(pl.col(OUTCOME).is_in([REJECTED, COPY]))
        others = before.join(now, on=PLACE, how="anti", maintain_order="left")
        self.around.outcomes[self.table.name] = pl.concat([others, now])

    def _apply(self, checks: dict[str, Check]) -> None:
        """Examine, and take rejected rows away."""
        if self.rows.height == 0:
            return
        buckets = set((self.all[CRC] % self.around.lake.buckets).unique())
        bad = self.findings.filter(pl.col("severity") == "reject")["at"].unique()
        fallen = {self.table.name: self.all[bad].select(DELIVERY, PLACE)}
        archive = self.around.of(self.all["uscc"], buckets, fallen=fallen)
        lake = self.around.lake
        scene = Scene(
            self.table, self.rows, archive, self.around.everyone(),
            codes=lake.codes, calendar=lake.calendar, confirmed=lake.confirmed_codes(),
        )  # fmt: skip
        found = examine(scene, checks)
        self._add(found.with_columns(at=self.rows["_g"].gather(found["at"])))

    def _relate(self, former: pl.DataFrame) -> None:
        """Take copies, late and back-dated rows away; ask about numbers used twice."""
        linked = self.rows.hstack(related(self.rows, former))
        self.copies = linked.filter(pl.col(RELATION) == "copy")
        found = number_findings(linked)
        self._add(found.with_columns(at=linked["_g"].gather(found["at"])))
        self.rows = linked.filter(pl.col(RELATION).is_in(["new", "contradicted", "foreign"]))

    def _told(self) -> pl.DataFrame:
        """All findings with the places of their rows."""
        places = self.all[self.findings["at"]].select(list(PLACE_SCHEMA))
        return places.hstack(self.findings.drop("at")).cast(FOUND_SCHEMA)  # type: ignore[arg-type]

    def _outcomes(self) -> pl.DataFrame:
        graded = [
            self.findings.filter(pl.col("severity") == severity).select(
                _g="at", _outcome=pl.lit(outcome)
            )
            for severity, outcome in (
                ("reject", REJECTED), ("quarantine", QUARANTINED), ("warn", WARNED)
            )
        ]  # fmt: skip
        copies = self.copies.select("_g", _outcome=pl.lit(COPY))
        worst = pl.concat([graded[0], copies, *graded[1:]]).unique(
            "_g", keep="first", maintain_order=True
        )
        moved = (
            self.rows.filter(pl.col(MOVED_FROM).is_not_null()).select("_g", MOVED_FROM)
            if MOVED_FROM in self.rows.columns
            else pl.DataFrame(schema={"_g": pl.UInt32(), MOVED_FROM: pl.String()})
        )
        told = worst.join(moved, on="_g", how="full", coalesce=True)
        places = self.all[told["_g"]].select(FILE, ROW, PLACE)
        named = places.hstack(told.select(pl.col(OUTCOME).fill_null(PASSED), MOVED_FROM))
        return named.select(pl.col(n).cast(d) for n, d in OUTCOMES.items())

    def _add(self, found: pl.DataFrame) -> None:
        self.findings = pl.concat([self.findings, found])
        bad = found.filter(pl.col("severity") == "reject").select(_g="at").unique()
        self.rows = self.rows.join(bad, on="_g", how="anti", maintain_order="left")


def kept_groups(name: str, verdict: Verdict, around: Neighbourhood) -> Iterator[pl.DataFrame]:
    """Rows of a table that are not rejected and not copies, as the lake stores them.

    With `FILE` and `ROW`; numbered, with withdrawals where facts moved. Call with all verdicts.
    """
    for rows in _groups(name, around, _Stale(everyone=True)):
        known = verdict.outcomes.select(PLACE, MOVED_FROM, quality_status=OUTCOME)
        marked = rows.join(known, on=PLACE, how="left", maintain_order="left")
        kept = marked.filter(IS_KEPT).with_columns(pl.col("quality_status").fill_null(PASSED))
        if kept.height:
            yield _stored(kept, table(name), around.lake)


def _stored(rows: pl.DataFrame, target: Table, lake: Lake) -> pl.DataFrame:
    newest = _former(lake, target.name, rows).group_by(KEY).agg(_base=pl.col("version").max())
    versions = numbered(rows, newest)
    moved = _withdrawn(versions, target, lake)
    shaped = _stored_form(versions, target, lake)
    return pl.concat([shaped, moved]) if moved is not None else shaped


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
