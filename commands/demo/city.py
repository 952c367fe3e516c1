"""The whole way on a made-up city that ends on the day before: deliveries, models, nights, list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from xinheng.commands.demo.told import Standing, city_text
from xinheng.commands.edge import now
from xinheng.commands.work import chances_of, draw_list, go_live_or_try, take_in
from xinheng.config import Home
from xinheng.errors import NotReady
from xinheng.models.artifact import RISK_CLASS

On = Callable[[str], None]
ZONE = ZoneInfo("Asia/Shanghai")
TASKS = (RISK_CLASS, "annual_report", "unpaid_fine")
YEARS = 4
BUCKETS = 2
LISTED = 50
RESAMPLES = 200
"""For the intervals of the test period; `models evaluate` draws more."""
OWNER, REASON = "演示模型负责人 (demo)", "xinheng demo"
SETTINGS = """# Written by `xinheng demo`; see docs/settings.md.
officer = "{officer}"

[classes]
scheme = "A-E"
"""


@dataclass(frozen=True, slots=True)
class CityPlan:
    """Which city is made, and where it is kept."""

    enterprises: int
    seed: int
    until: date
    """The last day on which records arrive."""
    folder: Path

    def nights(self) -> Iterator[datetime]:
        """The night of the last days of reporting, and the night after the last day."""
        june = date(self.until.year, 6, 27)
        if june > self.until:
            june = june.replace(year=june.year - 1)
        for day in sorted({june, self.until}):
            yield datetime.combine(day, time(23, 59), ZONE)


def day_before(moment: datetime) -> date:
    """The last whole day in China: until then the departments have delivered."""
    return moment.astimezone(ZONE).date() - timedelta(days=1)


def city_way(plan: CityPlan, home: Home, *, officer: str, on_step: On) -> str:
    """Make the city, take its deliveries in, train, promote, score, draw; what to print.

    What was done before with the same city is not done again.
    """
    place = with_settings(home, officer)
    _make(plan, on_step)
    reports, opened, _ = take_in(
        place,
        plan.folder / "deliveries",
        known_at=now(),
        at=now(),
        buckets=BUCKETS,
        on_step=on_step,
    )
    live = [_live(place, task, plan.folder, on_step) for task in TASKS]
    for moment in plan.nights():
        _night(place, moment, officer, on_step)
    return city_text(place, reports, opened, live)


def with_settings(home: Home, officer: str) -> Home:
    """The home with settings of its own, if it has none."""
    path = home.root / "xinheng.toml"
    if not path.exists():
        home.root.mkdir(parents=True, exist_ok=True)
        path.write_text(SETTINGS.format(officer=officer), encoding="utf-8")
    return Home.at(home.root)


def _make(plan: CityPlan, on_step: On) -> None:
    from xinheng.city.make import DESCRIBED, make_city

    if (plan.folder / DESCRIBED).exists():
        return
    make_city(
        plan.folder, enterprises=plan.enterprises, years=YEARS, seed=plan.seed, until=plan.until,
        profile="demo", on_step=_under("city", on_step),
    )  # fmt: skip


def _live(home: Home, task: str, made: Path, on_step: On) -> Standing | str:
    """Train, read the test period, promote; a version that a gate refuses goes on trial.

    Returns
    -------
    How its live version stands, or why so small a city has none.
    """
    from xinheng.models.promotions import Promotions
    from xinheng.training.control.evaluating import evaluated
    from xinheng.training.control.runs import Wish, train_task
    from xinheng.training.control.versions import evaluation_of
    from xinheng.training.control.versions import version as version_of

    say = _under(task, on_step)
    with Promotions.at(home.database_url) as ledger:
        version = ledger.champion(task)
    if version is None:
        try:
            trained = train_task(home, task, Wish(own_settings=True), at=now(), on_step=say)
        except NotReady as fault:
            if task == RISK_CLASS:
                raise
            return fault.message
        version = trained.trained.model.version
        evaluated(
            home, version, at=now(), chances=chances_of(made, version), resamples=RESAMPLES,
            on_step=say,
        )  # fmt: skip
        go_live_or_try(home, version, by=OWNER, reason=REASON, at=now(), on_step=say)
    with Promotions.at(home.database_url) as ledger:
        trial = ledger.trial(task)
    return Standing(task, evaluation_of(version_of(home, version)), trial)


def _night(home: Home, moment: datetime, officer: str, on_step: On) -> None:
    """Score everyone, raise what is to be raised, draw that night's list."""
    from xinheng.decisions.kept.store import DecisionStore
    from xinheng.decisions.night.run import Wish, run_night

    with closing(DecisionStore.at(home.database_url)) as store:
        last = store.last_run()
    if last is not None and last.as_of >= moment:
        return
    run_night(
        home, Wish(as_of=moment, processes=1), at=moment,
        stopwatch=perf_counter, on_step=_under(f"night of {moment:%d %B}", on_step),
    )  # fmt: skip
    draw_list(home, top=LISTED, officer=officer, at=moment)


def _under(title: str, on_step: On) -> On:
    return lambda step: on_step(f"{title}: {step}")
