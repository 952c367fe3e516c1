"""`/v1/jobs`: as `POST /v1/risk:batch`, for more enterprises than fit into one answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from xinheng.domain import normal_uscc
from xinheng.errors import BadRequest, NotFound, NotReady
from xinheng.serving.access.guard import Reader
from xinheng.serving.decided import Number
from xinheng.serving.jobs.store import JobStore

router = APIRouter(prefix="/v1/jobs", tags=["risk"])
MOST = 1_000_000
LONGEST = 200
"""Letters of a line."""
FORMS = {"text/csv": {"schema": {"type": "string", "example": "uscc\n91440300192317458F\n"}}}


class JobAnswer(BaseModel):
    """How far a job is."""

    job_id: int
    state: Literal["waiting", "running", "done", "failed", "ended"]
    asked: int = Field(description="Enterprises, as often as the file names them")
    answered: int = Field(description="Lines with an assessment; the others say why there is none")
    fault: str
    made_at: str
    done_at: str = Field(description="Its files go a week later; empty: it is not done")


class JobsAnswer(BaseModel):
    """Jobs of this client, the newest first."""

    jobs: list[JobAnswer]


def jobs_of(request: Request) -> JobStore:
    """The one that `create_app` was given.

    Raises
    ------
    NotReady
        If this server has none.
    """
    found: JobStore | None = request.app.state.jobs
    if found is None:
        raise NotReady("this server does no jobs", hint="start it with `xinheng serve --home HOME`")
    return found


Store = Annotated[JobStore, Depends(jobs_of)]


@router.post(
    "",
    response_model=JobAnswer,
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": FORMS}},
)
async def begin(request: Request, response: Response, caller: Reader, store: Store) -> Any:
    """Ask for the present answers of the enterprises of a file, a code a line.

    Text or CSV whose first column is the code, with or without a header `uscc`; or a JSON object
    with `uscc` a line. The answers come as a file, once the job is done.
    """
    codes = _codes(await request.body())
    caller.enterprises = len(codes)
    client = caller.client
    job = await run_in_threadpool(
        store.add, codes, client_id=client.client_id, region=client.region,
        at=request.app.state.clock(),
    )  # fmt: skip
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return asdict(job)


def _codes(body: bytes) -> list[str]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("the file is not UTF-8", hint="a code a line, or NDJSON") from None
    told = [line.strip() for line in text.splitlines()]
    codes = [_code(line, number) for number, line in enumerate(told, start=1) if line]
    if codes and codes[0] == "USCC":
        codes = codes[1:]
    if not codes:
        raise BadRequest("the file names no enterprise", hint="a code a line, or NDJSON")
    if len(codes) > MOST:
        raise BadRequest(f"the file has {len(codes):,} codes, more than {MOST:,}")
    return codes


def _code(line: str, number: int) -> str:
    if len(line) > LONGEST:
        raise BadRequest(f"line {number} has more than {LONGEST} letters", hint="a code a line")
    if not line.startswith("{"):
        return normal_uscc(line.partition(",")[0].strip('"'))
    try:
        return normal_uscc(str(json.loads(line)["uscc"]))
    except (ValueError, KeyError, RecursionError):
        raise BadRequest(f"line {number} is no JSON object with uscc") from None


@router.get("", response_model=JobsAnswer)
def read_jobs(
    caller: Reader, store: Store, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, Any]:
    """The jobs of this client."""
    return {"jobs": [asdict(one) for one in store.jobs(caller.client.client_id, limit)]}


@router.get("/{job_id}", response_model=JobAnswer)
def read_job(job_id: Number, caller: Reader, store: Store) -> dict[str, Any]:
    """How far a job is."""
    return asdict(store.job(job_id, caller.client.client_id))


@router.get(
    "/{job_id}/file",
    response_class=FileResponse,
    responses={200: {"content": {"application/gzip": {}},
                     "description": "NDJSON, gzipped: a line a code of the file, in its order"}},
)  # fmt: skip
def read_file(job_id: Number, caller: Reader, store: Store) -> FileResponse:
    """The answers of a job that is done."""
    job = store.job(job_id, caller.client.client_id)
    path = store.answer_file(job_id)
    if job.state != "done" or not path.exists():
        raise NotFound(f"job {job_id} has no file: it is {job.state}", hint="ask when it is done")
    caller.enterprises = job.answered
    return FileResponse(path, media_type="application/gzip", filename=f"risk-{job_id}.ndjson.gz")


@router.delete("/{job_id}", response_model=JobAnswer)
def end(request: Request, job_id: Number, caller: Reader, store: Store) -> dict[str, Any]:
    """End a job and remove its files."""
    store.job(job_id, caller.client.client_id)
    store.end(job_id, at=request.app.state.clock())
    return asdict(store.job(job_id, caller.client.client_id))
