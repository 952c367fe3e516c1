from __future__ import annotations

import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from xinheng.decisions.kept.store import DecisionStore
from xinheng.serving.console.waterfall import ROW_HEIGHT, waterfall
from xinheng.serving.console.words import LANGUAGES, Language, words

CONSOLE = Path(__file__).parents[2] / "serving/console"
ANY_PAGE = {"accept": "text/html"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
every_language = pytest.mark.parametrize("language", LANGUAGES)


class Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(params=["/", "enterprise", "error"])
def page(request: pytest.FixtureRequest, store: DecisionStore) -> str:
    path: str = request.param
    paths = {
        "enterprise": f"/enterprises/{store.current_list().rows[0].uscc}",
        "error": "/enterprises/91440300192317458F",
    }
    return paths.get(path, path)


@every_language
def test_pages_have_no_script_and_no_inline_style(
    client: TestClient, page: str, language: Language
) -> None:
    answer = client.get(page, params={"lang": language}, headers=ANY_PAGE)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for tag, attributes in Elements(answer.text).found:
        assert tag not in {"script", "style"}
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            assert not (attributes.get(name) or "").startswith(("http://other", "//", "data:"))


@every_language
def test_pages_speak_one_language(client: TestClient, page: str, language: Language) -> None:
    text = client.get(page, params={"lang": language}, headers=ANY_PAGE).text
    told = words(language)
    assert told["internal"].split(";")[0][:20] in text.replace("&#39;", "'")
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text
    other = words(next(one for one in LANGUAGES if one != language))
    assert other["tagline"] not in text


def test_the_list_page_shows_every_name_in_order(client: TestClient, store: DecisionStore) -> None:
    text = client.get("/").text
    codes = re.findall(r"/enterprises/(\w{18})\?", text)
    assert codes == [row.uscc for row in store.current_list().rows]


def test_a_class_is_never_told_by_colour_alone(client: TestClient, store: DecisionStore) -> None:
    for language, word in (("zh", "信用风险高"), ("en", "high risk")):
        text = client.get("/", params={"lang": language}).text
        assert f"<b>D</b> {word}</span>" in text


def test_the_enterprise_page_shows_every_reason_with_its_records(
    client: TestClient, store: DecisionStore
) -> None:
    row = store.current_list().rows[0]
    text = client.get(f"/enterprises/{row.uscc}", params={"lang": "en"}).text
    answer = store.answer(row.uscc)
    change = store.last_change_of(row.uscc)
    assert change is not None
    assert text.count("<tr>") == len(answer["reasons"]) + 1 + len(change.shares) + 1
    for told in ("180.0", "767.5", "+600.0", "-12.5", "H1 begins", "penalty:p/1", "main cause"):
        assert told in text
    for sentence in row.reasons_en:
        assert sentence.replace("'", "&#39;") in text
    assert answer["reasons"][0]["record_ids"][0] in text


@every_language
def test_the_waterfall_goes_from_the_base_to_the_result(
    store: DecisionStore, language: Language
) -> None:
    answer = store.answer(store.current_list().rows[0].uscc)
    picture = waterfall(answer, language)
    first, *steps, last = picture.bars
    assert first.kind == last.kind == "total"
    assert float(last.told) == pytest.approx(answer["log_odds"], abs=5e-4)
    told = sum(float(step.told) for step in steps) + float(first.told)
    assert told == pytest.approx(answer["log_odds"], abs=5e-4 * len(picture.bars))
    for step in steps:
        assert step.kind == ("up" if float(step.told) > 0 else "down")
        assert 0 <= step.x <= step.x + step.width <= picture.width
    assert picture.height == ROW_HEIGHT * len(picture.bars)


def test_the_search_leads_to_the_enterprise(client: TestClient, store: DecisionStore) -> None:
    code = store.current_list().rows[3].uscc
    answer = client.get("/enterprises", params={"uscc": code.lower(), "lang": "en"})
    assert answer.url.path == f"/enterprises/{code}"
    assert "Back to the list" in answer.text


def test_a_wrong_code_gets_a_page_that_says_what_is_wrong(client: TestClient) -> None:
    answer = client.get("/enterprises", params={"uscc": "123", "lang": "en"}, headers=ANY_PAGE)
    assert answer.status_code == 422
    assert "3 characters, expected 18" in answer.text


def test_an_unknown_language_falls_back(client: TestClient) -> None:
    assert 'lang="zh-CN"' in client.get("/", params={"lang": "xx"}).text


def test_every_word_is_in_both_languages_and_used() -> None:
    told = tomllib.loads((CONSOLE / "words.toml").read_text(encoding="utf-8"))
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in [
            *CONSOLE.rglob("*.html"),
            CONSOLE / "waterfall.py",
            CONSOLE / "pages.py",
            CONSOLE / "trial.py",
            CONSOLE / "catalogue.py",
        ]
    )
    for key, pair in told.items():
        assert pair["zh"]
        assert pair["en"]
        assert (
            f"w.{key}" in sources
            or f'["{key}"]' in sources
            or key.startswith(
                ("cause_", "direction_", "duty_", "gate_", "grade_", "level_", "sector_", "step_")
            )
        ), f"{key} is not used"
        if key != "other_language":
            assert not CHINESE.search(pair["en"])


def test_templates_hold_no_words_of_their_own() -> None:
    for path in CONSOLE.rglob("*.html"):
        assert not CHINESE.search(path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize(
    ("language", "title"), [("zh", "数据质量月报"), ("en", "Monthly data quality")]
)
def test_the_quality_page_tells_departments_and_tickets(
    client: TestClient, language: str, title: str
) -> None:
    page = client.get("/quality", params={"lang": language})
    assert page.status_code == 200
    assert title in page.text
    assert "/v1/quality.csv?month=" in page.text
    assert client.get("/quality", params={"month": "1999-99"}).status_code == 422


@pytest.mark.parametrize(("language", "title"), [("zh", "指标目录"), ("en", "Indicators")])
def test_the_catalogue_page_tells_every_indicator(
    client: TestClient, language: str, title: str
) -> None:
    page = client.get("/indicators", params={"lang": language})
    assert page.status_code == 200
    assert title in page.text
    assert page.text.count('<tr id="') == 127
    drugs = client.get("/indicators", params={"lang": language, "scope": "drugs", "q": "recall"})
    assert drugs.text.count('<tr id="') == 1
    assert "drug_recall_points" in drugs.text
    nothing = client.get("/indicators", params={"lang": language, "q": "nothing of the kind"})
    assert nothing.text.count('<tr id="') == 0
    assert client.get("/indicators", params={"scope": "toys"}).status_code == 422
