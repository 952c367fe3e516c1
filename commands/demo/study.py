"""The whole way on real records: a study's delivery in, a ranked and explained list out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from xinheng.commands.edge import now
from xinheng.commands.records.report import report_text
from xinheng.commands.work import draw_list
from xinheng.config import Home

LISTED = 50


def study_way(
    study: Path, data: Path, place: Home, *, officer: str, on_step: Callable[[str], None]
) -> str:
    """Take the delivery in, run the study, score everyone, draw a list; what to print."""
    from xinheng.decisions.night.run import Wish, run_night
    from xinheng.training.studies.report import as_text
    from xinheng.training.studies.run import prepare, run_study
    from xinheng.training.studies.study import load_study

    options = load_study(study).chosen((), ())
    prepared = prepare(study, data, place, at=now(), options=options, on_step=on_step)
    outcome = run_study(prepared, place, on_step=on_step)
    moment = prepared.lake.known_until(prepared.study.cohort.table)
    night = run_night(place, Wish(as_of=moment), at=now(), stopwatch=perf_counter, on_step=on_step)
    drawn = draw_list(place, top=LISTED, officer=officer, at=now())
    classes = ", ".join(f"{letter} {count:,}" for letter, count in night.classes.items())
    first = drawn.rows[0]
    return "\n".join(
        [
            report_text(prepared.report),
            "",
            as_text(outcome),
            "",
            f"scored {night.assessed:,} enterprises as of {moment:%Y-%m-%d}: {classes}",
            f"list {drawn.list_id}: {LISTED} names, the first is {first.name_zh} ({first.uscc})",
            *(f"  {sentence}" for sentence in first.reasons_zh[:3]),
        ]
    )
