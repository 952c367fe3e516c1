"""What a running home does when something breaks, with real processes; prints a table.

    python benchmarks/faults.py HOME [--rate 20] [--postgresql]

HOME is scored and has live models; a copy of it is used. While records are sent at a steady rate,
the server, the live updates and a nightly run are killed (`kill -9`), the model's folder is taken
away or changed, and a webhook's receiver is down. With `--postgresql` the operational database is
a PostgreSQL cluster of its own, which is stopped and started too (needs root and the server's
programs). Whatever is not as promised ends the run with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2 as httpx
import polars as pl
from sent import as_sent, free_port

from xinheng.commands.edge import now
from xinheng.config import Home
from xinheng.database import open_database
from xinheng.decisions.kept.store import DecisionStore
from xinheng.records.inbox.columns import given_columns
from xinheng.records.inbox.store import InboxStore
from xinheng.records.lake import Lake
from xinheng.serving.access.clients import SCOPES, ClientStore
from xinheng.serving.delivery.store import Outbox

XINHENG = [sys.executable, "-m", "xinheng.commands"]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xinheng-faults-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        with database(root, wanted=given.postgresql) as cluster:
            Faults(copied(given.home, root, cluster), given.rate, cluster).run()


class Faults:
    """One home, its server, and what is sent to it."""

    def __init__(self, home: Home, rate: int, cluster: Cluster | None) -> None:
        self.home, self.rate, self.cluster = home, rate, cluster
        self.engine, self.port = open_database(home.database_url), free_port()
        self.inbox = InboxStore(self.engine)
        client, self.key = ClientStore(self.engine).add(
            f"faults-{time.time_ns()}", SCOPES, by="faults", at=now(), rate="1000000/second",
            purpose="faults", legal_basis="faults",
        )  # fmt: skip
        self.client_id = client.client_id
        self.stamp, self.acknowledged = time.time_ns(), list[int]()
        rows = Lake(home.lake).rows("complaint").filter(pl.col("operation") == "insert")
        self.rows = rows.tail(5_000).collect()
        self.told: list[tuple[str, str]] = []

    def run(self) -> None:
        self.server = self.started()
        try:
            self.tell("server killed, started again", self.server_killed)
            self.tell("live updates killed three times", self.live_killed)
            self.tell("webhook's receiver down", self.receiver_down)
            self.tell("model's folder gone", self.model_gone)
            self.tell("model of another catalogue", self.model_other)
            self.tell("nightly run killed, run again", self.night_killed)
            if self.cluster is not None:
                self.tell("PostgreSQL stopped and started", self.database_stopped)
        finally:
            self.server.terminate()
            self.server.wait()
            self.engine.dispose()
        print("\n| what breaks | what was observed |\n|---|---|")
        for what, observed in self.told:
            print(f"| {what} | {observed} |")

    def tell(self, what: str, fault: Callable[[], str]) -> None:
        print(f"{what} …", flush=True)
        self.told.append((what, fault()))
        print(f"  {self.told[-1][1]}", flush=True)

    def server_killed(self) -> str:
        with self.sending() as load:
            time.sleep(3)
            self.server.kill()
            self.server.wait()
            time.sleep(2)
            self.server = self.started()
            time.sleep(3)
        return f"{load.refused} requests found nobody and were sent again; {self.nothing_lost()}"

    def live_killed(self) -> str:
        with self.sending():
            for _ in range(3):
                time.sleep(3)
                os.kill(self.live_process(), signal.SIGKILL)
                self.live_process()
        return f"the server started another each time; {self.nothing_lost()}"

    def receiver_down(self) -> str:
        receiver = Receiver()
        outbox = Outbox(self.engine)
        outbox.subscribe("faults", receiver.url, by="faults", at=now(), kinds=("class_change",))
        with self.sending():
            time.sleep(6)
        self.nothing_lost()
        waiting = outbox.counts().get("waiting", 0)
        assert waiting, "no class changed"
        receiver.start()
        wait_for(lambda: not outbox.counts().get("waiting", 0), 120)
        numbers = [int(event["data"]["change_id"]) for event in receiver.events]
        assert numbers == sorted({*numbers}), f"twice or out of order: {numbers}"
        receiver.stop()
        return (f"{waiting} events waited, and came in their order once it answered "
                f"({len(numbers)} in all, none twice)")  # fmt: skip

    def model_gone(self) -> str:
        folder = self.home.models / "risk_class"
        aside = self.home.root / "aside"
        folder.rename(aside)
        ready, doctor = self.ready(), self.doctor("model")
        score, supposed = self.status("risk"), self.supposed()
        with self.sending():
            time.sleep(3)
        waiting = self.inbox.counts().get("received", 0) + self.inbox.counts().get("settled", 0)
        aside.rename(folder)
        assert (ready[0], score, supposed) == (503, 200, 409), (ready, score, supposed)
        return (f"readyz 503 “{ready[1]}”; doctor “{doctor}”; stored scores 200, what-if 409; "
                f"{waiting} receipts waited; folder back: {self.nothing_lost()}")  # fmt: skip

    def model_other(self) -> str:
        live = (self.home.models / "risk_class" / "live").read_text(encoding="utf-8").strip()
        path = self.home.models / "risk_class" / live / "model.json"
        before = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'"catalogue": "\w+"', '"catalogue": "000000000000"', before),
                        encoding="utf-8")  # fmt: skip
        ready, doctor = self.ready(), self.doctor("model risk_class")
        path.write_text(before, encoding="utf-8")
        assert ready[0] == 503, ready
        assert self.ready()[0] == 200
        return f"readyz 503 “{ready[1]}”; doctor “{doctor}”; put back: ready"

    def night_killed(self) -> str:
        command = [*XINHENG, "scores", "run", "--processes", "1", "--no-alerts",
                   "--home", str(self.home.root)]  # fmt: skip
        before = self.status("risk")
        night = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: any((self.home.root / "night").glob("part-*.parquet")), 300)
        night.kill()
        night.wait()
        again = subprocess.run(command, capture_output=True, text=True, check=True)
        report = DecisionStore(self.engine).runs(1)[0].report
        assert report["gone_on_with"] > 0, report
        assert before == self.status("risk") == 200
        scored = again.stdout.splitlines()[0]
        return (f"went on with {report['gone_on_with']} of {report['parts']} parts: “{scored}”; "
                "scores answered all the time")  # fmt: skip

    def database_stopped(self) -> str:
        assert self.cluster is not None
        with self.sending() as load:
            time.sleep(3)
            self.cluster.stop()
            time.sleep(3)
            ready, score = self.ready(), self.status("risk")
            doctor = self.doctor("database")
            self.cluster.start()
            wait_for(lambda: self.ready()[0] == 200, 60)
            time.sleep(3)
        assert ready[0] == score == 503
        return (f"readyz 503 “{ready[1]}”; doctor “{doctor}”; a stored score 503; {load.refused} "
                f"requests were refused and sent again; {self.nothing_lost()}")  # fmt: skip

    def nothing_lost(self) -> str:
        """Every acknowledged record is in the lake once, and its receipt is done."""
        wait_for(lambda: not {*self.inbox.counts()} & {"received", "settled"}, 180)
        for number in self.acknowledged:
            assert self.inbox.receipt(number).state == "scored", number
        named = pl.col("source_record_no").str.starts_with(f"fault-{self.stamp}-")
        stored = Lake(self.home.lake).rows("complaint").filter(named).collect()
        assert stored["source_record_no"].n_unique() == stored.height == len(self.acknowledged)
        return f"{stored.height:,} records acknowledged so far, each in the lake once and scored"

    @contextmanager
    def sending(self) -> Iterator[Load]:
        load = Load(self)
        load.start()
        try:
            yield load
        finally:
            load.stop.set()
            load.join()

    def record(self, number: int) -> dict[str, Any]:
        row = self.rows.row(number % self.rows.height, named=True)
        told = as_sent("complaint", row) | {
            "source_record_no": f"fault-{self.stamp}-{number}",
            "received_on": f"{now():%Y-%m-%d}",
        }
        own = given_columns("complaint")
        return {"table": "complaint", "values": {n: told[n] for n in told if n in own}}

    def started(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([*XINHENG, "serve", "--port", str(self.port), "--home",
                                  str(self.home.root)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)  # fmt: skip
        wait_for(lambda: self.answer("/healthz") == 200, 60)
        return child

    def live_process(self) -> int:
        """Number of the process that takes in records, once there is one."""
        found: list[int] = []

        def look() -> bool:
            told = subprocess.run(["pgrep", "-f", f"live run --home {self.home.root}"],
                                  capture_output=True, text=True, check=False)  # fmt: skip
            found[:] = map(int, told.stdout.split())
            return bool(found)

        wait_for(look, 30)
        return found[0]

    def answer(self, path: str) -> int:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30).status_code
        return 0

    def ready(self) -> tuple[int, str]:
        answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30)
        return answer.status_code, str(answer.json().get("detail", ""))

    def doctor(self, name: str) -> str:
        told = subprocess.run([*XINHENG, "doctor", "--home", str(self.home.root)],
                              capture_output=True, text=True, check=False)  # fmt: skip
        wrong = [line for line in told.stdout.splitlines() if line.startswith("NOT WELL")]
        found = [line[10:] for line in wrong if line[10:].startswith(name)]
        assert found, told.stdout
        return re.sub(r"\s{2,}", ": ", found[0])

    def status(self, what: str) -> int:
        code = self.rows["uscc"][0]
        return httpx.get(f"http://127.0.0.1:{self.port}/v1/enterprises/{code}/{what}",
                         headers=self.headers, timeout=30).status_code  # fmt: skip

    def supposed(self) -> int:
        body = {"uscc": self.rows["uscc"][0], "records": []}
        return httpx.post(f"http://127.0.0.1:{self.port}/v1/risk:whatif", json=body,
                          headers=self.headers, timeout=30).status_code  # fmt: skip

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


class Load(threading.Thread):
    """One record a request at a steady rate; what is not acknowledged is sent again."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults, self.stop, self.refused = faults, threading.Event(), 0

    def run(self) -> None:
        while not self.stop.is_set():
            number = len(self.faults.acknowledged)
            self.faults.acknowledged.append(self._sent(number))
            time.sleep(1 / self.faults.rate)

    def _sent(self, number: int) -> int:
        while True:
            with suppress(httpx.TransportError):
                answer = httpx.post(
                    f"http://127.0.0.1:{self.faults.port}/v1/records",
                    headers=self.faults.headers | {"Idempotency-Key": f"fault-{number}"},
                    json={"records": [self.faults.record(number)]}, timeout=30,
                )  # fmt: skip
                if answer.status_code == 202:
                    return int(answer.json()["receipt_id"])
                assert answer.status_code == 503, answer.text
            self.refused += 1
            time.sleep(0.2)


class Receiver:
    """A webhook's receiver that is down until it is started."""

    def __init__(self) -> None:
        self.port, self.events = free_port(), list[dict[str, Any]]()
        self.url = f"http://127.0.0.1:{self.port}/events"

    def start(self) -> None:
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                events.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Cluster:
    """A PostgreSQL cluster of one's own."""

    def __init__(self, root: Path) -> None:
        self.data, self.port = root / "cluster", free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self.data.mkdir()
        shutil.chown(self.data, "postgres")
        self._call("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres")
        self.start()

    def start(self) -> None:
        told = f"-p {self.port} -k {self.data}"
        self._call("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.data / "log"),
                   "-o", told, "start")  # fmt: skip

    def stop(self) -> None:
        self._call("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def _call(self, program: str, *told: str) -> None:
        command = ["runuser", "-u", "postgres", "--", str(PROGRAMS[-1] / program), *told]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def database(root: Path, *, wanted: bool) -> Iterator[Cluster | None]:
    if not wanted:
        yield None
        return
    cluster = Cluster(root)
    try:
        yield cluster
    finally:
        cluster.stop()


def copied(home: Path, root: Path, cluster: Cluster | None) -> Home:
    """A copy; with a database of its own it is scored once more."""
    target = root / "home"
    left = ("operations.db*", "queries.db*", "features", "*.lock") if cluster else ("*.lock",)
    shutil.copytree(home, target, ignore=shutil.ignore_patterns(*left))
    if cluster is not None:
        (target / "xinheng.toml").write_text(f'database_url = "{cluster.url}"\n', encoding="utf-8")
        subprocess.run([*XINHENG, "scores", "run", "--home", str(target)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    return Home.at(target)


def wait_for(happens: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < ends, f"not within {seconds:.0f} s"
        time.sleep(0.2)


if __name__ == "__main__":
    main()
