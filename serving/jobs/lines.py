"""The present answers of many enterprises, a JSON line each, as a batch and as a job tell them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from xinheng.decisions.kept.facts import Told
from xinheng.domain import uscc_fault
from xinheng.serving.freshness import Freshness
from xinheng.serving.problems import KIND

NDJSON = "application/x-ndjson"


def as_bytes(told: Told, fresh: Freshness) -> bytes:
    """The answer as it was written, with its run, and how old scores and sources are now."""
    beside = f',"run_id":{told.run_id},"sources":{told.sources},"freshness":'
    parts = (memoryview(told.body)[:-1], beside.encode(), fresh.as_json(told.sources), b"}")
    return b"".join(parts)


def lines(
    codes: Iterable[str],
    told: Mapping[str, Told],
    sees: Callable[[str], bool],
    fresh: Freshness,
) -> Iterator[bytes]:
    """A line a code, in their order: the answer, or why there is none.

    Parameters
    ----------
    sees
        Whether whoever asks may see enterprises of a region.
    """
    for code in codes:
        found = told.get(code)
        if found is not None and sees(found.region_code):
            yield as_bytes(found, fresh)
        elif found is not None:
            yield _problem(code, "NotAllowed", 403, "it is registered in another district")
        elif (fault := uscc_fault(code)) is not None:
            yield _problem(code, "BadRequest", 422, f"the code is not valid: {fault}")
        else:
            yield _problem(code, "NotFound", 404, "it has no score")


def _problem(code: str, title: str, status: int, detail: str) -> bytes:
    told = {"uscc": code, "type": f"{KIND}{title}", "title": title, "status": status,
            "detail": detail}  # fmt: skip
    return json.dumps(told, ensure_ascii=False).encode()
