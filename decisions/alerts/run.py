"""One run of the warning points: find, leave out what must not be raised, keep in one piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from xinheng.config import AlertSettings
from xinheng.decisions.alerts.alert import SYSTEM, Alert, Raised, Taken, open_key
from xinheng.decisions.alerts.deadlines import Watch
from xinheng.decisions.alerts.facts import events
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.look import look
from xinheng.decisions.alerts.over import EXPIRED, ended
from xinheng.decisions.alerts.points import Point
from xinheng.decisions.alerts.store import AlertStore
from xinheng.errors import BadRequest
from xinheng.features.source import Source
from xinheng.models.artifact import RiskModel

LOT = 10_000


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did."""

    run_id: int
    as_of: datetime
    enterprises: int
    duties: int
    raised: Mapping[str, int]
    """By point."""
    held_back: int
    late: int
    """Raised too late to leave 72 hours before."""
    quiet: int
    """Found, but raised already or within the quiet days."""
    over: Mapping[str, int]
    """Alerts that ended by themselves, by reason."""
    baseline: Mapping[str, int]
    """At the first run: by point for how many a state held already."""
    off: Mapping[str, str]
    """Points that found nothing because their model is not live."""
    drafts: int
    """Raised without a named officer: nobody may act on them."""


def run_alerts(  # noqa: PLR0913  (what a run depends on)
    store: AlertStore,
    source: Source,
    points: Sequence[Point],
    models: Mapping[str, RiskModel],
    settings: AlertSettings,
    *,
    as_of: datetime,
    at: datetime,
    officer: str = "",
    on_step: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Raise what is to be raised at a moment, and end what is over.

    Parameters
    ----------
    as_of, at
        The moment whose knowledge counts, and the moment of the steps.
    officer
        Who is warned; without one alerts are drafts.

    Raises
    ------
    BadRequest
        If a later moment was run already.
    """
    before = store.last_run()
    if before is not None and as_of <= before.as_of:
        raise BadRequest(
            f"alerts were run as of {before.as_of:%Y-%m-%d %H:%M} UTC already",
            hint="runs go forward in time",
        )
    seen = look(
        points,
        source,
        models,
        settings,
        watch=Watch(as_of, before.as_of if before else None),
        held=_holding_before(store, source, as_of),
        on_step=on_step,
    )
    open_ones = store.alerts(limit=None)
    over = ended(open_ones, points, seen.present)
    wanted = _to_raise(seen.found, seen.watch.at, store, _still(open_ones, over), settings)
    raised = [_raised(one, officer, settings, at) for one in wanted]
    on_step("keeping the run")
    report = RunReport(
        run_id=0,
        as_of=seen.watch.at,
        enterprises=len(seen.present.usccs),
        duties=len(seen.present.duties),
        raised=_counted(one.finding.point.id for one in raised),
        held_back=sum(one.steps[-1].step == "held_back" for one in raised),
        late=sum(one.is_late for one in raised),
        quiet=len(seen.found) - len(wanted),
        over=_counted(reason for _, reason in over),
        baseline=seen.baseline,
        off=_off(points, models),
        drafts=0 if officer else len(raised),
    )
    steps = [(one.alert_id, _last_step(reason, at)) for one, reason in over]
    told = plain(report)
    run_id = store.keep_run(seen.watch.at, raised, steps, seen.present.holding, told, at=at)
    return replace(report, run_id=run_id)


def _holding_before(
    store: AlertStore, source: Source, as_of: datetime
) -> dict[str, frozenset[str]]:
    """By point of whom a state held, and open alerts too, under the codes of this moment."""
    store.follow(source.successions(), as_of)
    return store.holding()


def _still(open_ones: Sequence[Alert], over: Sequence[tuple[Alert, str]]) -> list[Alert]:
    gone = {one.alert_id for one, _ in over}
    return [one for one in open_ones if one.alert_id not in gone]


def run_events(  # noqa: PLR0913  (what a run depends on)
    store: AlertStore,
    source: Source,
    points: Sequence[Point],
    settings: AlertSettings,
    usccs: Sequence[str],
    *,
    watch: Watch,
    at: datetime,
    officer: str = "",
) -> int:
    """Raise what new facts of some enterprises say, without waiting for the night; how many.

    Duties and states are looked at by the run of everyone, as is the end of what is over.

    Parameters
    ----------
    usccs
        Enterprises on the register.
    """
    found = events(points, usccs, source, watch)
    if not found:
        return 0
    open_ones = [alert for uscc in {one.uscc for one in found} for alert in store.alerts(uscc=uscc)]
    wanted = _to_raise(found, watch.at, store, open_ones, settings)
    if not wanted:
        return 0
    raised = [_raised(one, officer, settings, at) for one in wanted]
    report = {"enterprises": len(usccs), "raised": _counted(one.point.id for one in wanted)}
    store.keep_live(watch.at, raised, report, at=at)
    return len(raised)


def _last_step(reason: str, at: datetime) -> Taken:
    return Taken("expired" if reason == EXPIRED else "closed", at, SYSTEM, note=reason)


def plain(report: RunReport) -> dict[str, Any]:
    """For JSON."""
    return asdict(report) | {"as_of": report.as_of.isoformat()}


def is_held_back(uscc: str, subject: str, share: float) -> bool:
    """By lot, the same for all reminders of a duty, so that their effect can be measured."""
    digest = blake2b(f"{uscc}|{subject}".encode(), digest_size=8, person=b"held back").digest()
    return int.from_bytes(digest) % LOT < round(share * LOT)


def _raised(found: Finding, officer: str, settings: AlertSettings, at: datetime) -> Raised:
    """Blue and yellow reminders of a duty may be kept back; what is red never."""
    is_late = found.deliver_by is not None and at > found.deliver_by
    created = Taken("created", at, SYSTEM)
    is_reminder = found.deliver_by is not None and found.level != "red"
    if is_reminder and is_held_back(found.uscc, found.subject, settings.held_back):
        return Raised(found, officer, is_late, (created, Taken("held_back", at, SYSTEM)))
    if not officer:
        return Raised(found, officer, is_late, (created,))
    delivered = Taken("delivered", at, SYSTEM, note=f"inbox of {officer}")
    return Raised(found, officer, is_late, (created, delivered))


def _to_raise(
    found: Sequence[Finding],
    at: datetime,
    store: AlertStore,
    open_ones: Sequence[Alert],
    settings: AlertSettings,
) -> list[Finding]:
    """Findings without those that are open, were raised lately or, as a fact or duty, ever."""
    taken = {one.key for one in open_ones}
    lately = store.raised_since(at - timedelta(days=settings.quiet_days))
    ever = store.raised_subjects({one.point.id for one in found if one.subject})
    wanted: list[Finding] = []
    for one in found:
        is_quiet = one.due_at is None and (one.point.id, one.uscc) in lately
        was_ever = bool(one.subject) and (one.point.id, one.subject, one.due_at) in ever
        if open_key(one) in taken or is_quiet or was_ever:
            continue
        taken.add(open_key(one))
        lately.add((one.point.id, one.uscc))
        wanted.append(one)
    return wanted


def _off(points: Sequence[Point], models: Mapping[str, RiskModel]) -> dict[str, str]:
    return {
        point.id: point.deadline.model
        for point in points
        if point.deadline and point.deadline.model and point.deadline.model not in models
    }


def _counted(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
