"""What the watch saw: as text, as a page and as Prometheus metrics."""

from __future__ import annotations

import math
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from xinheng.training.control.pages import templates
from xinheng.training.judging.tell import number, share
from xinheng.training.watching.watch import Watch

SHOWN = 10


def watch_text(seen: Watch) -> str:
    """What `xinheng models watch` prints; the alarms last, where the eye rests."""
    lines = [
        f"{seen.version} at {seen.as_of:%Y-%m-%d %H:%M}, {seen.asked:,} looked at",
        f"stability index of the scores {seen.score_psi:.3f}; inputs whose push changed most: "
        + ", ".join(f"{one.column} {one.push:+.3f}" for one in seen.inputs[:SHOWN]),
    ]
    if seen.classes_now:
        lines += [
            "classes then and now: "
            + ", ".join(
                f"{letter} {seen.classes_then[letter]:.1%} {value:.1%}"
                for letter, value in seen.classes_now.items()
            )
        ]
    for one in seen.outcomes:
        lines.append(
            f"matured since training, {one.version}: {one.cases:,} cases, told {one.told:.1%}, "
            f"found {one.problems.value:.1%} ({one.problems.low:.1%} to {one.problems.high:.1%}), "
            f"precision at capacity {number(one.precision)}"
        )
        if one.classes:
            told = (
                f"{letter} {share_of(r.problems, r.cases)}" for letter, r in one.classes.items()
            )
            lines.append("  problems by class: " + ", ".join(told))
    if not math.isnan(seen.challenger_moves):
        lines.append(f"the challenger puts {seen.challenger_moves:.1%} into another class")
    lines += [
        f"{one.table:<24}{one.recent:>9,} records lately, {one.expected:>11,.1f} expected"
        for one in seen.sources
    ]
    lines.append("")
    lines += [f"ALARM {alarm.kind}: {alarm.told}" for alarm in seen.alarms] or ["no alarm"]
    return "\n".join(lines)


def share_of(problems: int, cases: int) -> str:
    """A rate with its counts."""
    return f"{share({'problems': problems, 'cases': cases})} of {cases:,}"


def watch_page(seen: Watch) -> str:
    """The same as HTML."""
    page = templates().get_template("watch.html")
    return page.render(seen=seen, number=number, share_of=share_of, shown=SHOWN)


def write_metrics(seen: Watch, path: Path) -> None:
    """Gauges for the textfile collector of a Prometheus node exporter."""
    registry, gauges = CollectorRegistry(), dict[str, Gauge]()
    own = {"task": seen.task}

    def gauge(name: str, about: str, value: float, **labels: str) -> None:
        if name not in gauges:
            names = [*own, *labels]
            gauges[name] = Gauge(f"xinheng_{name}", about, names, registry=registry)
        gauges[name].labels(**own, **labels).set(value)

    gauge("watch_alarms", "Alarms of the watch over the live model", len(seen.alarms))
    gauge("watch_population", "Enterprises or duties looked at", seen.asked)
    gauge("score_psi", "Population stability index of the scores", seen.score_psi)
    for letter, value in seen.classes_now.items():
        gauge("class_share", "Share of the population by class", value, risk_class=letter)
    for one in seen.inputs[:SHOWN]:
        gauge("input_psi", "Population stability index of an input", one.psi, column=one.column)
        gauge("input_push", "Change of its mean push, log-odds", one.push, column=one.column)
    for source in seen.sources:
        gauge("source_records", "Records of a source lately", source.recent, table=source.table)
        gauge("source_expected", "Records to be expected", source.expected, table=source.table)
    for told in seen.outcomes:
        gauge("outcome_cases", "Matured cases since training", told.cases, version=told.version)
        gauge("outcome_told", "Mean probability of them", told.told, version=told.version)
        gauge("outcome_found", "Share with a problem", told.problems.value, version=told.version)
        gauge("outcome_precision", "Precision at capacity", told.precision, version=told.version)
    write_to_textfile(str(path), registry)
