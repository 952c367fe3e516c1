"""Figures of the running server for Prometheus; of all its processes together."""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from xinheng.decisions.kept.store import DecisionStore
from xinheng.errors import XinhengError

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment: folder in which several processes share their figures."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "xinheng_requests", "Requests answered", ("method", "route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "xinheng_request_seconds", "Time to the first byte of the answer", ("method", "route"),
    registry=REGISTRY, buckets=BUCKETS,
)  # fmt: skip


def observed(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer."""
    requests, times = _figures(method, route, status)
    requests.inc()
    times.observe(seconds)


@cache
def _figures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def page(store: DecisionStore | None) -> bytes:
    """All figures in Prometheus' text format, with the present classes where they are known."""
    registry = REGISTRY
    if SHARED in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + _classes(store)


def _classes(store: DecisionStore | None) -> bytes:
    own = CollectorRegistry()
    count = Gauge("xinheng_enterprises", "Enterprises by class", ("risk_class",), registry=own)
    moment = Gauge("xinheng_scores_as_of_seconds", "Moment of the last run", registry=own)
    if store is not None:
        try:
            run = store.current_run()
        except XinhengError:  # nothing was scored yet: there is no figure to tell
            return b""
        moment.set(run.as_of.timestamp())
        for letter, number in store.class_counts().items():
            count.labels(letter).set(number)
    return generate_latest(own)
