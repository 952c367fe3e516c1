"""First pass: files are read, shaped and checked for form, and kept beside the lake in chunks.

A chunk that is whole on disk is not made again, so a crashed intake of a long delivery goes on
where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from xinheng.domain import ZONE
from xinheng.records.codes.columns import crc32
from xinheng.records.gate.catalogue import FINDING_SCHEMA, Scene, examine
from xinheng.records.gate.form import FORM, known_too_late, told_once, unreadable
from xinheng.records.gate.identity import CODES
from xinheng.records.gate.validity import Archive
from xinheng.records.intake.deliveries import MANIFEST, Delivery
from xinheng.records.privacy.delivery import findings_of, screen_keys, screen_source
from xinheng.records.privacy.screen import Screen
from xinheng.records.privacy.seal import Seal
from xinheng.records.sources.forms.delimited import CHUNK_ROWS
from xinheng.records.sources.mapping import Mapping, TableMapping
from xinheng.records.sources.origins import FILE, ROW
from xinheng.records.sources.reading import count_rows, read_frames
from xinheng.records.sources.shaping import Shaped, by_file, shape
from xinheng.records.tables import PLATFORM_COLUMNS, Table
from xinheng.records.versions import CONTENT, STATED, content_hash

CRC = "_crc"
PLACE_SCHEMA: dict[str, pl.DataType] = {
    FILE: pl.Int32(),
    ROW: pl.Int64(),
    "uscc": pl.String(),
    "source_dept": pl.String(),
    "source_record_no": pl.String(),
    "event_at": pl.Datetime("us", "UTC"),
}
"""Which row a finding is about."""
Counted = tuple[int, int, int]
"""Rows offered to the table, those the mapping did not leave out, and rows of the file itself."""
FOUND_SCHEMA = {**PLACE_SCHEMA, **{n: d for n, d in FINDING_SCHEMA.items() if n != "at"}}


@dataclass(frozen=True, slots=True)
class Source:
    """One file feeding one table of one delivery; its place in the list is `FILE`."""

    delivery: int
    file: Path
    mapping: Mapping
    part: TableMapping

    @property
    def has_file(self) -> bool:
        """Whether there is anything to read: a table without rows has the manifest's word only."""
        return self.file.name != MANIFEST

    @property
    def like(self) -> str:
        """Sources of one likeness can be read together."""
        return self.mapping.said + self.part.said


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder of chunks of one intake."""

    folder: Path
    refused: tuple[int, ...] = ()
    """Files of deliveries with personal data: nobody sees their rows."""

    def rows(self, name: str) -> pl.LazyFrame | None:
        """Rows of a table that passed the form checks, with what their sources can fill."""
        found = self._scan(f"*.{name}.rows.parquet")
        if found is None or not self.refused:
            return found
        return found.filter(~pl.col(FILE).is_in(self.refused))

    def tables(self) -> set[str]:
        return {path.name.split(".")[1] for path in self.folder.glob("*.rows.parquet")}

    def findings(self, name: str) -> pl.DataFrame:
        found = self._scan(f"*.{name}.findings.parquet")
        return pl.DataFrame(schema=FOUND_SCHEMA) if found is None else found.collect()

    def offered(self) -> dict[int, Counted]:
        """What each source counted."""
        total: dict[int, Counted] = {}
        for path in sorted(self.folder.glob("*.done.json")):
            for number, counted in json.loads(path.read_text(encoding="utf-8")).items():
                before = total.get(int(number), (0, 0, 0))
                rows, taken, sent = (a + b for a, b in zip(before, counted, strict=True))
                total[int(number)] = (rows, taken, sent)
        return total

    def keep(self, number: int, chunk: Chunk) -> None:
        """Write one chunk; the last file says that it is whole."""
        name = f"{number:05d}.{chunk.table}"
        self._write(chunk.rows, f"{name}.rows.parquet")
        self._write(chunk.findings, f"{name}.findings.parquet")
        scratch = self.folder / "done.new"
        scratch.write_text(json.dumps(chunk.offered), encoding="utf-8")
        scratch.replace(self.folder / f"{number:05d}.done.json")

    def has(self, number: int) -> bool:
        return (self.folder / f"{number:05d}.done.json").exists()

    def _write(self, frame: pl.DataFrame, name: str) -> None:
        if frame.height:
            scratch = self.folder / "chunk.new"
            frame.write_parquet(scratch, compression="lz4")
            scratch.replace(self.folder / name)

    def _scan(self, pattern: str) -> pl.LazyFrame | None:
        found = sorted(self.folder.glob(pattern))
        return pl.scan_parquet(found, glob=False) if found else None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of one table, judged for form."""

    table: str
    rows: pl.DataFrame
    findings: pl.DataFrame
    offered: dict[int, Counted]


def sources_of(deliveries: Sequence[Delivery]) -> list[Source]:
    return [
        Source(number, file, delivery.mapping, part)
        for number, delivery in enumerate(deliveries)
        for file, part in delivery.assigned()
    ]


def fill(
    stage: Stage,
    sources: Sequence[Source],
    deliveries: Sequence[Delivery],
    *,
    seal: Seal,
    on_step: Callable[[str], None],
) -> None:
    """Bring the stage up to the whole of the deliveries.

    Personal data are looked for before anything reads, stores or quotes a value.
    """
    screen = Screen(seal, max(delivery.at.astimezone(ZONE).year for delivery in deliveries))
    arrivals = {number: deliveries[s.delivery].at for number, s in enumerate(sources)}
    rows, total = 0, sum(count_rows(s.file) for s in sources if s.has_file and s.file.is_file())
    for number, (members, frame) in enumerate(_together(sources)):
        if not stage.has(number):
            first = sources[members[0]]
            where = f"{first.file.name}, table {first.part.name}"
            screened = screen_source(frame, first.mapping, first.part, screen, where=where)
            shaped = shape(screened.rows, first.mapping, first.part, where=where)
            known = pl.col(FILE).replace_strict(arrivals, return_dtype=pl.Datetime("us", "UTC"))
            stated = first.mapping.origins(first.part)["operation"].constant is None
            chunk = _formed(shaped, first.part.table, known, frame, stated=stated)
            scored_until = deliveries[first.delivery].scored_until
            late = _placed(chunk.rows, known_too_late(chunk.rows, scored_until))
            chunk = replace(chunk, findings=pl.concat([chunk.findings, late]))
            keys = screen_keys(shaped.rows, screen)
            stage.keep(number, _without_personal(chunk, pl.concat([screened.places, keys]), shaped))
        rows += frame.height
        on_step(f"{_bar(rows, total)} {rows:,} rows read")


def _bar(done: int, total: int) -> str:
    """A bar of ten, and the share in percent."""
    share = min(done / total, 1) if total else 0
    return f"{'█' * int(10 * share):░<10} {share:4.0%}"


def _together(sources: Sequence[Source]) -> Iterator[tuple[list[int], pl.DataFrame]]:
    """Frames of about `CHUNK_ROWS`; small files of one likeness and header share one."""
    held: dict[tuple[object, ...], list[tuple[int, pl.DataFrame]]] = {}
    for number, source in enumerate(sources):
        if not source.has_file:
            continue
        done = 0
        for raw in read_frames(source.file, source.mapping, rows=CHUNK_ROWS):
            frame = raw.with_columns(
                pl.lit(number, dtype=pl.Int32).alias(FILE),
                pl.int_range(done + 1, done + raw.height + 1, dtype=pl.Int64).alias(ROW),
            )
            done += raw.height
            key = (source.like, *raw.schema.items())
            held.setdefault(key, []).append((number, frame))
            if sum(f.height for _, f in held[key]) >= CHUNK_ROWS:
                yield _joined(held.pop(key))
    for frames in held.values():
        yield _joined(frames)


def _joined(frames: list[tuple[int, pl.DataFrame]]) -> tuple[list[int], pl.DataFrame]:
    return [number for number, _ in frames], pl.concat([frame for _, frame in frames])


def _formed(
    shaped: Shaped, table: Table, known: pl.Expr, source: pl.DataFrame, *, stated: bool
) -> Chunk:
    """Judge the form of shaped rows: those that cannot be read stay out, with what was sent."""
    if "known_at" not in shaped.rows.columns:
        shaped = replace(shaped, rows=shaped.rows.with_columns(known_at=known))
    good, findings = formed(shaped, table)
    complete, placed = _complete(good, table), _placed(shaped.rows, findings)
    sent = by_file(source)
    offered = {file: (*counts, sent[file]) for file, counts in shaped.offered.items()}
    return Chunk(table.name, complete.with_columns(pl.lit(stated).alias(STATED)), placed, offered)


def _without_personal(chunk: Chunk, places: pl.DataFrame, shaped: Shaped) -> Chunk:
    """The chunk; of a file with personal data only where they stand, and of what kind they are."""
    if places.height == 0:
        return chunk
    senders = shaped.rows.group_by(FILE).agg(pl.col("source_dept").drop_nulls().first())
    own = places.join(senders.cast({FILE: pl.Int32}), on=FILE, how="left", maintain_order="left")
    names = {n: pl.lit(None, dtype=d).alias(n) for n, d in PLACE_SCHEMA.items()}
    names |= {n: pl.col(n).cast(PLACE_SCHEMA[n]) for n in (FILE, ROW, "source_dept")}
    findings = own.select(names.values()).hstack(findings_of(places).drop("at"))
    is_personal = pl.col(FILE).is_in(places[FILE].unique().implode())
    others = chunk.findings.filter(~is_personal)
    return replace(
        chunk, rows=chunk.rows.filter(~is_personal), findings=pl.concat([findings, others])
    )


def formed(shaped: Shaped, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows whose form can be read, and the findings about all of them."""
    scene = Scene(table, shaped.rows, _nothing, _nothing)
    form = told_once(examine(scene, FORM), shaped.faults)
    codes = told_once(examine(scene, CODES), shaped.faults)
    findings = pl.concat([form, unreadable(shaped.faults), codes])
    if findings.height == 0:
        return shaped.rows, findings
    bad = findings.filter(pl.col("severity") == "reject")["at"].unique()
    good = shaped.rows.with_row_index("_at").join(
        bad.to_frame("_at"), on="_at", how="anti", maintain_order="left"
    )
    return good.drop("_at"), findings


def _nothing(name: str) -> Archive:
    """The form of a row is judged without any other."""
    raise AssertionError(name)


def _placed(rows: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    places = rows[findings["at"]].select(
        pl.col(n).cast(d) if n in rows.columns else pl.lit(None, dtype=d).alias(n)
        for n, d in PLACE_SCHEMA.items()
    )
    return places.hstack(findings.drop("at"))


def _complete(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """All columns that a source can fill, the hash of what is said, and the bucket's number."""
    wanted = {n: d for n, d in table.schema.items() if n not in PLATFORM_COLUMNS}
    filled = rows.with_columns(
        pl.lit(None, dtype=d).alias(n) for n, d in table.schema.items() if n not in rows.columns
    )
    hashed = filled.with_columns(
        content_hash(table, filled),
        crc32(rows["uscc"]).alias(CRC),
    )
    return hashed.select(
        pl.col(FILE).cast(pl.Int32), pl.col(ROW).cast(pl.Int64), CRC, CONTENT,
        *(pl.col(n).cast(d) for n, d in wanted.items()),
    )  # fmt: skip
