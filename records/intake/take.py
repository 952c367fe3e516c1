"""Deliveries become batches of the lake, whole or not at all; every row is accounted for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from xinheng.records.intake.books import Books
from xinheng.records.intake.completeness import complete
from xinheng.records.intake.deliveries import Delivery, digest_of, one_delivery
from xinheng.records.intake.judging import Neighbourhood, judged_groups
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
        known = set(lake.batches(["digest"])["digest"])
        new = [d for d in deliveries if d.digest not in known]
        fresh = list({d.digest: d for d in new}.values())
        made = _written(fresh, lake, at=at, on_step=on_step) if fresh else []
        reports = {report.batch_id: report for report in made}
    old = {d.batch_id: Report(d.batch_id, already_taken=True, tables=()) for d in deliveries}
    return [reports.pop(d.batch_id, old[d.batch_id]) for d in deliveries]


def _written(
    deliveries: Sequence[Delivery], lake: Lake, *, at: datetime, on_step: Step
) -> list[Report]:
    """Stage, judge, append, publish; call with the lake held alone."""
    sources = sources_of(deliveries)
    stage = _opened(lake, deliveries)
    try:
        fill(stage, sources, deliveries, on_step=on_step)
    except Exception:  # bad input: nothing to go on with
        shutil.rmtree(stage.folder)
        raise
    notes = {number: delivery.notes() for number, delivery in enumerate(deliveries)}
    books = Books(deliveries, sources, stage, notes=notes)
    for name in tables():
        if (found := stage.findings(name)).height:
            books.enter_form(name, found)
    around = Neighbourhood(lake, stage)
    versions: dict[str, int] = {}
    for name in [n for n in tables() if n in stage.tables()]:
        for judged in judged_groups(name, around):
            frame = books.enter(name, judged)
            if frame.height:
                versions[name] = lake.append(name, frame)
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
