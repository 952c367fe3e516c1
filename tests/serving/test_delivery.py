"""Alerts and class changes leave the house: signed, in order, once each, until received."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.conftest import AS_OF, AT, TownRun
from tests.decisions.handmade import changed_class
from tests.serving.conftest import LISTED, headers_of
from xinheng.commands import cli
from xinheng.config import ClassSettings
from xinheng.database import open_database
from xinheng.decisions.alerts.alert import Raised, Taken
from xinheng.decisions.alerts.finding import Finding
from xinheng.decisions.alerts.points import load_points
from xinheng.decisions.alerts.store import AlertStore
from xinheng.decisions.assess import Assessment, assess
from xinheng.decisions.kept.store import DecisionStore
from xinheng.errors import BadRequest
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.delivery import store as outbox_of
from xinheng.serving.delivery.send import Deliverer, signature
from xinheng.serving.delivery.store import Outbox
from xinheng.serving.routes import streams


@dataclass
class Receiver:
    """A department's server: answers with the next status, 200 by default."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def events(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = made.statuses.pop(0) if made.statuses else 200
            if status == 200:
                made.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/in"
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Clock:
    at: datetime = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def assessed(town: TownRun) -> list[Assessment]:
    return assess(town.outcome.model, town.prepared.lake, AS_OF, ClassSettings())


@pytest.fixture
def engine(url: str, assessed: list[Assessment]) -> Iterator[Engine]:
    made = open_database(url)
    DecisionStore(made).keep_run(assessed, lake_batch=1, at=AT)
    yield made
    made.dispose()


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    return Outbox(engine)


@pytest.fixture
def deliverer(engine: Engine) -> Iterator[Deliverer]:
    made = Deliverer(engine, Clock())
    yield made
    made.client.close()


def change(engine: Engine, assessed: list[Assessment], *numbers: int) -> None:
    """The classes of some enterprises change."""
    told = [changed_class(assessed[n].uscc) for n in numbers]
    DecisionStore(engine).keep_live(assessed[:1], [], lake_batch=2, at=AT, changes=told)


def alert(engine: Engine, subject: str, *, officer: str = "王科长", held: bool = False) -> None:
    points = {point.id: point for point in load_points()}
    found = Finding(point=points["W31"], level="red", uscc=LISTED, subject=subject)
    last = "held_back" if held else "delivered" if officer else "created"
    steps = (Taken("created", AT, "xinheng"), Taken(last, AT, "xinheng"))  # type: ignore[arg-type]
    AlertStore(engine).keep_live(AS_OF, [Raised(found, officer, False, steps)], {}, at=AT)


def test_what_comes_is_told_once_signed_and_in_order(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver,
    assessed: list[Assessment],
) -> None:  # fmt: skip
    change(engine, assessed, 0)
    one = outbox.subscribe("市局", receiver.url, by="王科长", at=AT)
    change(engine, assessed, 1, 2)
    alert(engine, "serious_list:s/1")
    assert deliverer.step() == 3
    assert deliverer.step() == 0
    assert sorted(receiver.events) == ["alert-1", "change-2", "change-3"]
    for headers, body in receiver.got:
        moment = headers["webhook-timestamp"]
        signed = signature(one.secret, headers["webhook-id"], moment, body)
        assert headers["webhook-signature"] == signed
        assert json.loads(body)["id"] == headers["webhook-id"]
    told = {json.loads(body)["id"]: json.loads(body) for _, body in receiver.got}
    assert told["change-2"]["data"]["uscc"] == assessed[1].uscc
    assert (told["alert-1"]["type"], told["alert-1"]["data"]["point"]) == ("alert", "W31")


def test_neither_drafts_nor_reminders_kept_back_leave_the_house(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver
) -> None:
    outbox.subscribe("市局", receiver.url, by="王科长", at=AT, kinds=["alert"])
    alert(engine, "serious_list:s/1", officer="")
    alert(engine, "serious_list:s/2", held=True)
    alert(engine, "serious_list:s/3")
    deliverer.step()
    assert receiver.events == ["alert-3"]


def test_a_receiver_that_is_down_for_an_hour_loses_nothing_and_keeps_its_order(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver,
    assessed: list[Assessment],
) -> None:  # fmt: skip
    outbox.subscribe("市局", receiver.url, by="王科长", at=AT)
    clock = deliverer.clock = Clock()
    change(engine, assessed, 0, 1, 2)
    receiver.statuses = [503] * 10_000
    while clock.at < AT + timedelta(hours=1):
        assert deliverer.step() == 0
        clock.at += timedelta(minutes=1)
    tried = outbox.deliveries()[-1]
    assert (tried.state, tried.fault) == ("waiting", "HTTP 503")
    assert 5 <= tried.attempts <= 12  # each time after twice as long
    assert {one.attempts for one in outbox.deliveries()[:-1]} == {0}, "they wait for the first"
    receiver.statuses = []
    while len(receiver.events) < 3 and clock.at < AT + timedelta(hours=3):
        deliverer.step()
        clock.at += timedelta(minutes=1)
    assert receiver.events == ["change-1", "change-2", "change-3"]


def test_one_receiver_that_is_down_keeps_no_other_waiting(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver,
    assessed: list[Assessment],
) -> None:  # fmt: skip
    outbox.subscribe("没有", "http://127.0.0.1:1/in", by="王科长", at=AT)
    outbox.subscribe("市局", receiver.url, by="王科长", at=AT)
    change(engine, assessed, 0, 1)
    assert deliverer.step() == 2
    assert receiver.events == ["change-1", "change-2"]
    waiting = outbox.deliveries(state="waiting")
    assert len(waiting) == 2
    assert "Connect" in next(one.fault for one in waiting if one.attempts)


def test_what_is_given_up_can_be_sent_again(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver,
    assessed: list[Assessment], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(outbox_of, "MOST_ATTEMPTS", 2)
    outbox.subscribe("市局", receiver.url, by="王科长", at=AT)
    clock = deliverer.clock = Clock()
    change(engine, assessed, 0)
    receiver.statuses = [500, 500]
    for _ in range(3):
        deliverer.step()
        clock.at += timedelta(hours=2)
    (dead,) = outbox.deliveries(state="dead")
    assert (dead.attempts, receiver.got) == (2, [])
    assert outbox.replay(at=clock.at) == 1
    assert deliverer.step() == 1
    assert outbox.counts() == {"delivered": 1}


def test_a_district_hears_of_its_own_and_who_has_ended_of_nothing(
    engine: Engine, outbox: Outbox, deliverer: Deliverer, receiver: Receiver,
    assessed: list[Assessment],
) -> None:  # fmt: skip
    outbox.subscribe("别区", receiver.url, by="王科长", at=AT, region="99")
    ended = outbox.subscribe("旧", receiver.url, by="王科长", at=AT)
    change(engine, assessed, 0)
    outbox.enqueue(at=AT)
    outbox.end(ended.subscriber_id, by="李科长", at=AT)
    assert deliverer.step() == 0
    assert receiver.got == []
    own = assessed[1].region_code[:4]
    outbox.subscribe("本区", receiver.url, by="王科长", at=AT, region=own)
    change(engine, assessed, 1)
    assert deliverer.step() == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"url": "ftp://x"}, "no address"),
        ({"url": "http://"}, "no address"),
        ({"kinds": ["gossip"]}, "gossip"),
        ({"by": ""}, "who answers"),
    ],
)
def test_a_subscriber_that_cannot_be_is_refused(
    outbox: Outbox, more: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {"url": "http://x/in", "by": "王科长"} | more
    with pytest.raises(BadRequest, match=words):
        outbox.subscribe("市局", given.pop("url"), at=AT, **given)


def test_a_stream_goes_on_from_a_number(
    engine: Engine, assessed: list[Assessment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read until three changes came and left; then the reader goes."""
    change(engine, assessed, 0, 1, 2, 3)
    looks = iter(range(10))

    async def ended(_: float) -> None:
        if next(looks, None) is None:
            raise RuntimeError("the reader has gone")
        await asyncio.sleep(0.05)

    monkeypatch.setattr(streams, "sleep", ended)
    access = Access.of(engine, lambda: AT)
    _, key = access.guard.store.add("大屏", SCOPES, by="王科长", at=AT)
    app = create_app(DecisionStore(engine), access, is_local=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        text = _read(client, "/v1/changes:stream?after=1", headers_of(key))
    ids = [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]
    assert ids == ["2", "3", "4"]
    data = [line for line in text.splitlines() if line.startswith("data: ")]
    assert json.loads(data[0].removeprefix("data: "))["uscc"] == assessed[1].uscc


def _read(client: TestClient, path: str, headers: dict[str, str]) -> str:
    lines: list[str] = []
    try:
        with client.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines.extend(answer.iter_lines())
    except (RuntimeError, ExceptionGroup):
        pass
    return "\n".join(lines)


def test_the_commands_tell_who_is_told_and_what_is_on_its_way(town: TownRun) -> None:
    home = ["--home", str(town.home.root)]
    run = CliRunner()
    made = run.invoke(
        cli, ["webhooks", "add", "市局", "http://127.0.0.1:1/in", "--by", "王科长", *home]
    )
    assert made.stdout.startswith("whsec_")
    listed = run.invoke(cli, ["webhooks", "list", *home]).stdout
    assert "http://127.0.0.1:1/in" in listed
    assert made.stdout.strip() not in listed
    number = next(line for line in listed.splitlines() if "市局" in line).split("\t")[0]
    assert "0 are on their way" in run.invoke(cli, ["webhooks", "replay", *home]).stdout
    assert run.invoke(cli, ["webhooks", "deliveries", *home]).exit_code == 0
    assert run.invoke(cli, ["webhooks", "end", number, "--by", "王科长", *home]).exit_code == 0
