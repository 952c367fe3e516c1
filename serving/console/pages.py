"""The console's pages: the list, and one enterprise with its reasons."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xinheng.decisions.alerts.alert import OPEN_STEPS
from xinheng.decisions.alerts.points import RANK
from xinheng.decisions.classes import CLASS_EN, CLASS_ZH
from xinheng.decisions.lists import local_text
from xinheng.decisions.measures import measures_of
from xinheng.errors import UnknownName
from xinheng.features.catalogue import catalogue
from xinheng.models.reasons.sentences import told
from xinheng.records.tables import table_names
from xinheng.serving.console.catalogue import by_group, entries, scopes
from xinheng.serving.console.trial import trial_notes
from xinheng.serving.console.waterfall import waterfall
from xinheng.serving.console.words import LANGUAGES, Language, words
from xinheng.serving.decided import Store
from xinheng.serving.desk import Records
from xinheng.serving.firms import Code, former_codes, present_code
from xinheng.serving.freshness import freshness
from xinheng.serving.inbox import Alerts
from xinheng.serving.routes.tickets import first_day

TICKETS_SHOWN = 50
ALERTS_SHOWN = 50
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_templates = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader(str(Path(str(files("xinheng.serving.console") / "templates")))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
)


def chosen_language(request: Request, lang: Annotated[str | None, Query()] = None) -> Language:
    """Language of the query, else the deployment's."""
    wanted = lang or request.app.state.language
    return next((language for language in LANGUAGES if language == wanted), "zh")


Chosen = Annotated[Language, Depends(chosen_language)]


@router.get("/")
def list_page(request: Request, store: Store, language: Chosen) -> HTMLResponse:
    """The current inspection list."""
    run = store.current_run()
    context = {
        "drawn": store.current_list(),
        "run": run,
        "counts": store.class_counts(),
    }
    return _page(request, "list.html", language, context)


@router.get("/enterprises")
def find(request: Request, uscc: str, language: Chosen) -> RedirectResponse:
    """From the search field to the enterprise's page; a former code leads to its firm."""
    code = present_code(request, uscc)
    return RedirectResponse(f"/enterprises/{code}?lang={language}", status_code=303)


@router.get("/enterprises/{uscc}")
def enterprise_page(request: Request, uscc: Code, store: Store, language: Chosen) -> Response:
    """One enterprise: class, score, waterfall, reasons and records; a former code leads to it."""
    present = present_code(request, uscc)
    if present != uscc:
        return RedirectResponse(f"/enterprises/{present}?lang={language}", status_code=301)
    answer = store.answer(uscc)
    context = {
        "one": answer,
        "former": former_codes(request, uscc),
        "change": store.last_change_of(uscc),
        "as_of": datetime.fromisoformat(answer["as_of"]),
        "picture": waterfall(answer, language),
        "measures": measures_of(answer["risk_class"]),
    }
    return _page(request, "enterprise.html", language, context)


@router.get("/quality")
def quality_page(
    request: Request,
    records: Records,
    language: Chosen,
    month: Annotated[str, Query(pattern=r"^(\d{4}-\d{2})?$")] = "",
) -> HTMLResponse:
    """The monthly quality report, and the tickets that wait."""
    wanted, report = records.quality(first_day(month))
    waiting, total = records.tickets(
        everything=False, department="", check="", limit=TICKETS_SHOWN, offset=0
    )
    context = {
        "month": wanted,
        "months": records.months(),
        "report": report.to_dicts(),
        "waiting": waiting,
        "total": total,
    }
    return _page(request, "quality.html", language, context)


@router.get("/alerts")
def alerts_page(
    request: Request,
    alerts: Alerts,
    language: Chosen,
    level: Annotated[str, Query(pattern="^(red|yellow|blue)?$")] = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> HTMLResponse:
    """The open alerts."""
    found = alerts.store.alerts(level=level, after=after, limit=ALERTS_SHOWN + 1)
    shown = found[:ALERTS_SHOWN]
    counted = alerts.store.counts()
    context = {
        "shown": shown,
        "more": shown[-1].alert_id if len(found) > ALERTS_SHOWN else 0,
        "level": level,
        "open": {name: sum(counted.get((name, state), 0) for state in OPEN_STEPS) for name in RANK},
    }
    return _page(request, "alerts.html", language, context)


@router.get("/indicators")
def indicators_page(
    request: Request,
    language: Chosen,
    scope: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=60)] = "",
) -> HTMLResponse:
    """The indicator catalogue: what is counted, over which window, and why."""
    if scope and scope not in scopes(language):
        raise UnknownName("scope", scope, scopes(language))
    shown = entries(scope, q)
    context = {
        "scope": scope,
        "q": q,
        "scopes": scopes(language),
        "shown": shown,
        "total": len(catalogue()),
        "groups": by_group(shown, language),
    }
    return _page(request, "indicators.html", language, context)


def error_page(request: Request, status: int, message: str, hint: str) -> HTMLResponse:
    """An error as a page a person can leave again."""
    language = chosen_language(request, request.query_params.get("lang"))
    context = {"message": message, "hint": hint}
    return _page(request, "error.html", language, context, status=status)


def _page(
    request: Request, name: str, language: Language, context: dict[str, Any], *, status: int = 200
) -> HTMLResponse:
    other = next(one for one in LANGUAGES if one != language)
    shared = {
        "w": words(language),
        "lang": language,
        "switch": request.url.include_query_params(lang=other),
        "classes": CLASS_ZH if language == "zh" else CLASS_EN,
        "local": local_text,
        "moment": lambda text: local_text(datetime.fromisoformat(text)),
        "told": told,
        "trials": trial_notes(request, language) if status < HTTPStatus.BAD_REQUEST else [],
        "table_name": lambda table: table_names()[table][language],
        **_ages(request, status),
    }
    return _templates.TemplateResponse(request, name, shared | context, status_code=status)


def _ages(request: Request, status: int) -> dict[str, Any]:
    """How old scores and sources are; not asked where the server itself fails."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return {"age": None, "sources": {}}
    fresh = freshness(request)
    return {"age": fresh.current(), "sources": fresh.sources()}
