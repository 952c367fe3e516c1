"""A file of many enterprises in, a file of their answers out; broken off, done again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.cities import CityHome
from tests.serving.conftest import headers_of
from tests.serving.live import BEGINS, LiveHome
from xinheng.serving.access.access import Access
from xinheng.serving.access.clients import SCOPES
from xinheng.serving.app import create_app
from xinheng.serving.jobs.store import KEPT, JobStore
from xinheng.serving.jobs.work import Jobs


@pytest.fixture
def live(city: CityHome, tmp_path: Path, url: str) -> Iterator[LiveHome]:
    made = LiveHome.copied(city, tmp_path, url)
    yield made
    made.engine.dispose()


@pytest.fixture
def jobs(live: LiveHome) -> Jobs:
    return Jobs(JobStore(live.engine, live.home.jobs), live.decisions, lambda: BEGINS, 2)


@pytest.fixture
def asking(live: LiveHome, jobs: Jobs) -> Iterator[TestClient]:
    app = create_app(live.decisions, Access.of(live.engine, lambda: BEGINS), jobs=jobs.store)
    with TestClient(app, raise_server_exceptions=False, headers=key_of(live)) as opened:
        yield opened


def key_of(live: LiveHome, region: str = "") -> dict[str, str]:
    guard = Access.of(live.engine, lambda: BEGINS).guard
    key = guard.store.add(f"系统{region}", SCOPES, by="王科长", at=BEGINS, region=region)[1]
    return headers_of(key)


def lines_of(answer: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(answer).splitlines()]


def test_a_job_answers_as_the_enterprises_one_by_one(
    live: LiveHome, jobs: Jobs, asking: TestClient
) -> None:
    everyone = [one.uscc for one in live.decisions.riskiest(10_000)]
    asked = [*everyone, "91440300192317458F", "nonsense", everyone[0]]
    begun = asking.post("/v1/jobs", content="uscc,名称\n" + "\n".join(f"{u},甲" for u in asked))
    assert begun.status_code == 202, begun.text
    place = begun.headers["location"]
    assert begun.json() | {"state": "waiting", "asked": len(asked)} == begun.json()
    assert asking.get(f"{place}/file").status_code == 404
    assert jobs.step()
    told = asking.get(place).json()
    assert (told["state"], told["answered"]) == ("done", len(everyone) + 1)
    answer = asking.get(f"{place}/file")
    assert answer.headers["content-type"] == "application/gzip"
    lines = lines_of(answer.content)
    assert [line["uscc"] for line in lines] == [*asked[:-2], "NONSENSE", everyone[0]]
    assert [line.get("status") for line in lines[-3:]] == [404, 422, None]
    assert lines[3] == asking.get(f"/v1/enterprises/{everyone[3]}/risk").json()
    assert not jobs.step(), "nothing waits"
    assert [one["job_id"] for one in asking.get("/v1/jobs").json()["jobs"]] == [told["job_id"]]


def test_ndjson_is_a_file_too_and_what_cannot_be_read_is_refused_with_its_line(
    asking: TestClient,
) -> None:
    code = "91440300192317458F"
    told = asking.post("/v1/jobs", content=f'{{"uscc": "{code}"}}\n\n{{"uscc": "{code.lower()}"}}')
    assert told.json()["asked"] == 2
    for body, said in (
        (b"", "names no enterprise"),
        (b"uscc\n", "names no enterprise"),
        ("甲".encode("gb18030"), "not UTF-8"),
        (b"x\n{nonsense}", "line 2"),
        (b'{"code": 1}', "line 1"),
        (b"[" * 100_000, "line 1"),
    ):
        answer = asking.post("/v1/jobs", content=body)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text


def test_a_district_is_answered_about_its_own(live: LiveHome, jobs: Jobs) -> None:
    everyone = live.decisions.riskiest(10_000)
    region = everyone[0].region_code
    app = create_app(live.decisions, Access.of(live.engine, lambda: BEGINS), jobs=jobs.store)
    with TestClient(app, headers=key_of(live, region)) as district:
        place = district.post("/v1/jobs", content="\n".join(one.uscc for one in everyone)).headers[
            "location"
        ]
        jobs.step()
        lines = lines_of(district.get(f"{place}/file").content)
    for one, line in zip(everyone, lines, strict=True):
        assert ("score" in line) == (one.region_code == region)
    with TestClient(app, headers=key_of(live)) as other:
        assert other.get(place).status_code == 404, "a job is its client's own"


def test_a_job_that_broke_off_is_done_again(
    live: LiveHome, jobs: Jobs, asking: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    uscc = live.decisions.riskiest(1)[0].uscc
    place = asking.post("/v1/jobs", content=uscc).headers["location"]

    def breaking(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "is_wanted", breaking)
        with pytest.raises(KeyboardInterrupt):
            jobs.step()
    assert asking.get(place).json()["state"] == "running"
    assert jobs.step()
    assert asking.get(place).json()["state"] == "done"
    assert len(lines_of(asking.get(f"{place}/file").content)) == 1


def test_an_ended_or_old_job_leaves_no_file(live: LiveHome, jobs: Jobs, asking: TestClient) -> None:
    uscc = live.decisions.riskiest(1)[0].uscc
    first, second, third = (
        asking.post("/v1/jobs", content=uscc).headers["location"] for _ in range(3)
    )
    assert asking.delete(first).json()["state"] == "ended"
    while jobs.step():
        pass
    assert asking.get(first).json()["state"] == "ended"
    assert asking.delete(second).json()["state"] == "ended"
    assert asking.get(f"{second}/file").status_code == 404
    assert jobs.store.sweep(BEGINS + KEPT - timedelta(seconds=1)) == 0
    assert jobs.store.sweep(BEGINS + KEPT + timedelta(seconds=1)) == 1
    assert asking.get(f"{third}/file").status_code == 404
    assert [*live.home.jobs.iterdir()] == []
