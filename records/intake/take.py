"""Deliveries become batches of the lake, whole or not at all; every row is accounted for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from xinheng.records.intake.books import Books
from xinheng.records.intake.completeness import complete
from xinheng.records.intake.deliveries import Delivery, digest_of, one_delivery
from xinheng.records.intake.judging.judge import judge, kept_groups
from xinheng.records.intake.judging.neighbourhood import Neighbourhood
from xinheng.records.intake.repeats import leave_taken
from xinheng.records.intake.report import Report
from xinheng.records.intake.staging import Stage, fill, sources_of
from xinheng.records.lake import Lake
from xinheng.records.manifest import Batch
from xinheng.records.sources.mapping import Mapping
from xinheng.records.tables import tables

TOGETHER_BYTES = 256 << 20
"""Small deliveries that are written in one step, up to this size."""
Step = Callable[[str], None]


def ingest(
    path: Path,
    mapping: Mapping | None,
    lake: Lake,
    *,
    at: datetime,
    on_step: Step = lambda _: None,
) -> Report:
    """Take a file or a folder of files into the lake as one batch.

    Parameters
    ----------
    path
        A file, or a folder of files, with or without a manifest.
    mapping
        What the columns mean; without one the files are canonical tables.
    at
        The moment of arrival; it is `known_at` where neither rows nor manifest give one.
    on_step
        Told what is being done, for progress.

    Raises
    ------
    BadDelivery, BadMapping, UnknownName, Busy
        Before anything is written.
    """
    return _taken([one_delivery(path, mapping, at=at)], lake, at=at, on_step=on_step)[0]


def ingest_all(
    found: Sequence[Delivery],
    lake: Lake,
    *,
    at: datetime,
    on_step: Step = lambda _: None,
) -> list[Report]:
    """Take deliveries in their order, which is that of their arrival; each is a batch.

    Small ones are written in one step, so a crash leaves whole batches and the next call goes
    on with the rest.
    """
    reports: list[Report] = []
    for group in _groups(found):
        first, last = len(reports) + 1, len(reports) + len(group)

        def told(step: str, place: str = f"{first:,} to {last:,} of {len(found):,}") -> None:
            on_step(f"deliveries {place}: {step}")

        reports += _taken(group, lake, at=at, on_step=told if len(found) > 1 else on_step)
    return reports


def was_taken(path: Path, mapping: Mapping | None, lake: Lake) -> bool:
    """Whether this very delivery, mapped this very way, is a batch of the lake."""
    return digest_of(path, mapping) in lake.batches(["digest"])["digest"]


def _groups(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    group: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        own = sum(file.stat().st_size for file in delivery.files)
        if group and size + own > TOGETHER_BYTES:
            yield group
            group, size = [], 0
        group.append(delivery)
        size += own
    if group:
        yield group


def _taken(
    deliveries: Sequence[Delivery], lake: Lake, *, at: datetime, on_step: Step
) -> list[Report]:
    with lake.writing():
        new = leave_taken(deliveries, lake)
        fresh = [delivery for delivery in new if delivery is not None]
        made = iter(_written(fresh, lake, at=at, on_step=on_step) if fresh else [])
    return [
        Report(old.batch_id, already_taken=True, tables=()) if delivery is None else next(made)
        for old, delivery in zip(deliveries, new, strict=True)
    ]


def _written(
    deliveries: Sequence[Delivery], lake: Lake, *, at: datetime, on_step: Step
) -> list[Report]:
    """Stage, judge, append, publish; call with the lake held alone."""
    sources = sources_of(deliveries)
    stage = _opened(lake, deliveries)
    try:
        fill(stage, sources, deliveries, seal=lake.seal(), on_step=on_step)
    except Exception:  # bad input: nothing to go on with
        shutil.rmtree(stage.folder)
        raise
    notes = {number: delivery.notes() for number, delivery in enumerate(deliveries)}
    books = Books(deliveries, sources, stage, notes=notes)
    for name in tables():
        if (found := stage.findings(name)).height:
            books.enter_form(name, found)
    stage = replace(stage, refused=tuple(books.refused_files()))
    around = Neighbourhood(lake, stage, sources, deliveries)
    staged = stage.tables()
    verdicts = judge([n for n in tables() if n in staged], around, on_step=on_step)
    versions: dict[str, int] = {}
    for name, verdict in verdicts.items():
        books.enter(name, verdict)
        for kept in kept_groups(name, verdict, around):
            versions[name] = lake.append(name, books.enter_kept(name, kept))
        on_step(f"{name}: {books.kept(name):,} rows kept")
    on_step("writing to the lake")
    complete(books, lake)
    reports = books.reports()
    for name, frame in books.platform_frames().items():
        if frame.height:
            versions[name] = lake.append(name, frame)
    batches = [
        _batch(d, r, books.sent[i])
        for i, (d, r) in enumerate(zip(deliveries, reports, strict=True))
    ]
    lake.publish(batches, versions, at=at)
    shutil.rmtree(stage.folder)
    return reports


def _batch(delivery: Delivery, report: Report, rows: dict[str, int]) -> Batch:
    manifest = delivery.manifest
    days = (manifest.period_to - manifest.period_from).days + 1 if manifest else 0
    return Batch(
        batch_id=delivery.batch_id,
        digest=delivery.digest,
        report=json.dumps(asdict(report), ensure_ascii=False),
        arrived_at=delivery.at,
        department=manifest.department if manifest else "",
        period_from=manifest.period_from if manifest else None,
        period_days=days,
        table_rows=rows,
    )


def _opened(lake: Lake, deliveries: Sequence[Delivery]) -> Stage:
    """The stage of these very deliveries; what others left unfinished is cleared away."""
    digest = blake2b("".join(d.digest for d in deliveries).encode(), digest_size=8).hexdigest()
    root = lake.staging
    root.mkdir(exist_ok=True)
    for other in root.iterdir():
        if other.name != digest:
            shutil.rmtree(other)
    folder = root / digest
    folder.mkdir(exist_ok=True)
    return Stage(folder)
