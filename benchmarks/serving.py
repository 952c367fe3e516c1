"""How fast a running home answers, and how soon a sent record shows in a score.

    python benchmarks/serving.py HOME [--seconds 10] [--live-seconds 60] [--rate 50]

HOME is scored and has live models. A client is made for the run and ended after it; records that
are sent stay in the home: use a copy. Prints what the machine gives; compare ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import polars as pl
from sent import as_sent, free_port

from xinheng.commands.edge import now
from xinheng.config import Home
from xinheng.decisions.kept.store import DecisionStore
from xinheng.decisions.office import office_of
from xinheng.records.inbox.store import InboxStore
from xinheng.records.lake import Lake
from xinheng.serving.access.clients import SCOPES, ClientStore

CONNECTIONS = 16
JSON = {"Content-Type": "application/json"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--live-seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=50)
    given = parser.parse_args()
    home = Home.at(given.home)
    store = DecisionStore.at(home.database_url)
    codes = [one.uscc for one in store.riskiest(2_000)]
    with client_of(store) as key, server(home) as port:
        asked = {"Authorization": f"Bearer {key}"}
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=asked, timeout=120)
        warmed(http, store, home, codes[0])
        for name, path in (
            ("stored score", "enterprises/{}/risk"),
            ("approval check", "checks/{}"),
        ):
            paths = [f"/v1/{path.format(code)}" for code in codes]
            told(name, asyncio.run(load(port, paths, asked, given.seconds)), given.seconds)
        repeated(
            "batch of 1,000", lambda: http.post("/v1/risk:batch", json={"usccs": codes[:1_000]})
        )
        one = codes[0]
        thousand = like(home, one, 1_000)
        body = json.dumps({"uscc": one, "base": "none", "records": thousand})
        repeated(
            "what-if with 1,000 records",
            lambda: http.post("/v1/risk:whatif", content=body, headers=JSON),
            times=200,
        )
        values = json.dumps({"rows": [dict.fromkeys(names_of(home), 0.0)]})
        repeated(
            "score from ready-made values",
            lambda: http.post("/v1/risk:ready", content=values, headers=JSON),
            times=300,
        )
        repeated("repairs", lambda: http.get(f"/v1/enterprises/{one}/repairs"), times=5)
        sending(http, store, home, given.rate, given.live_seconds)
    store.close()


async def load(port: int, paths: list[str], headers: dict[str, str], seconds: float) -> list[float]:
    """Seconds of each answer, over connections that stay open."""
    heads = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    ends = time.perf_counter() + seconds
    spent: list[float] = []

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        place = number
        while time.perf_counter() < ends:
            path = paths[place % len(paths)]
            place += CONNECTIONS
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{heads}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            spent.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(ask(number) for number in range(CONNECTIONS)))
    return spent


def sending(
    http: httpx.Client, store: DecisionStore, home: Home, rate: int, seconds: float
) -> None:
    """One record a request, at a steady rate; how long until its firm was assessed."""
    rows = complaints(home)
    stamp, sent, first = time.time_ns(), 0, None
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        receipt = send(http, rows.row(sent % rows.height, named=True), f"bench-{stamp}-{sent}")
        first = first or receipt
        sent += 1
        time.sleep(max(0.0, began + sent / rate - time.perf_counter()))
    assert first is not None
    inbox = until_scored(store)
    receipts = [inbox.receipt(first + number) for number in range(sent)]
    waited = [(r.scored_at - r.received_at).total_seconds() for r in receipts if r.scored_at]
    outcomes = {row.outcome for r in receipts[:200] for row in inbox.rows(r.receipt_id)}
    print(f"{sent:,} records at {sent / seconds:.0f}/s, outcomes {sorted(outcomes)}")
    print("  accepted -> new score: " + quantiles(waited, "s", 1))


def warmed(http: httpx.Client, store: DecisionStore, home: Home, uscc: str) -> None:
    """Wait until server and live updates have read what is known of everybody."""
    answer = http.get(f"/v1/enterprises/{uscc}/risk", params={"as_of": now().isoformat()})
    assert answer.status_code == 200, answer.text
    send(http, complaints(home).row(0, named=True), f"warm-{time.time_ns()}")
    until_scored(store)


def complaints(home: Home) -> pl.DataFrame:
    rows = Lake(home.lake).rows("complaint").filter(pl.col("operation") == "insert")
    return rows.tail(5_000).collect()


def send(http: httpx.Client, row: dict[str, Any], number: str) -> int:
    """Send a complaint like another one; the receipt's number."""
    record = as_sent("complaint", row) | {
        "source_record_no": number, "received_on": f"{now():%Y-%m-%d}",
    }  # fmt: skip
    answer = http.post(
        "/v1/records",
        headers={"Idempotency-Key": number},
        json={"records": [{"table": "complaint", "values": record}]},
    )
    assert answer.status_code == 202, answer.text
    return int(answer.json()["receipt_id"])


def until_scored(store: DecisionStore) -> InboxStore:
    inbox = InboxStore(store.engine)
    while set(inbox.counts()) & {"received", "settled"}:
        time.sleep(0.2)
    return inbox


def like(home: Home, uscc: str, count: int) -> list[dict[str, Any]]:
    """As many records as asked, after those of one firm and, where they do not do, of others."""
    lake = Lake(home.lake)
    found = [{"table": "entity", "values": as_sent("entity", entry(lake, uscc))}]
    for name in ("inspection", "complaint", "penalty", "annual_report", "social_insurance"):
        rows = lake.rows(name).filter(pl.col("operation") == "insert").head(count // 5).collect()
        found += [
            {"table": name, "values": as_sent(name, row) | {"uscc": uscc}}
            for row in rows.iter_rows(named=True)
        ]
    return found[:count]


def names_of(home: Home) -> list[str]:
    return office_of(home).general.names


def entry(lake: Lake, uscc: str) -> dict[str, Any]:
    rows = lake.rows("entity").filter(pl.col("uscc") == uscc).collect()
    return rows.sort("version").row(-1, named=True)


def repeated(name: str, ask: Any, times: int = 30) -> None:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        answer = ask()
        spent.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    print(f"{name}: {quantiles(spent, 'ms', 1_000)}")


def told(name: str, spent: list[float], seconds: float) -> None:
    print(
        f"{name}: {len(spent) / seconds:,.0f}/s at {CONNECTIONS} connections, "
        f"{quantiles(spent, 'ms', 1_000)}"
    )


def quantiles(spent: list[float], unit: str, factor: float) -> str:
    cut = statistics.quantiles(spent, n=100, method="inclusive")
    return f"p50 {cut[49] * factor:.2f} {unit}, p99 {cut[98] * factor:.2f} {unit}"


@contextmanager
def client_of(store: DecisionStore) -> Iterator[str]:
    clients = ClientStore(store.engine)
    made, key = clients.add("benchmark", SCOPES, by="benchmark", at=now(), rate="1000000/second",
                            purpose="benchmark", legal_basis="benchmark")  # fmt: skip
    yield key
    clients.end(made.client_id, by="benchmark", at=now())


@contextmanager
def server(home: Home) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "xinheng.commands", "serve", "--port", str(port),
               "--home", str(home.root)]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            assert child.poll() is None, "the server has ended"
            time.sleep(0.2)
        yield port
    finally:
        child.terminate()
        child.wait()


def _answers(port: int) -> bool:
    try:
        return bool(json.loads(httpx.get(f"http://127.0.0.1:{port}/healthz").text))
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
