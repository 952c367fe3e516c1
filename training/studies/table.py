"""All studies in one table: our figures beside the plain ones and the aims."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xinheng.errors import NotReady
from xinheng.training.studies.report import TITLES
from xinheng.training.studies.study import Study, load_study

BEGIN, END = "<!-- studies -->", "<!-- /studies -->"
PLAIN = "plain"


def studies_in(folder: Path) -> list[Path]:
    """Folders with a `study.toml`, by name.

    Raises
    ------
    NotReady
        If there is none.
    """
    found = sorted(path.parent for path in folder.glob("*/study.toml"))
    if not found:
        raise NotReady(f"{folder} holds no study", hint="name the folder that holds the studies")
    return found


def data_of(study: Study, root: Path) -> Path:
    """The delivery of a study below the folder of all data sets.

    Raises
    ------
    NotReady
        If it is not there.
    """
    path = root / (study.data or study.name)
    if not path.exists():
        raise NotReady(f"study {study.name} wants its delivery at {path}")
    return path


def table(told: Mapping[str, Mapping[str, Any]], folder: Path) -> str:
    """A Markdown table from the JSON of each study; a row a figure that is held against another."""
    lines = [
        "| study | figure | plain | aim | Xinheng | 95 % interval | test rows | alarms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in told.items():
        study = load_study(folder / name)
        lines += _rows(study, one)
    return "\n".join(lines)


def _rows(study: Study, told: Mapping[str, Any]) -> list[str]:
    plain = next((p for p in study.published if p.name == PLAIN), None)
    aims = study.aim.model_dump(exclude_none=True)
    names = [n for n in study.metrics if n in aims or getattr(plain, n, None) is not None]
    found = []
    for place, name in enumerate(names or study.metrics[:1]):
        low, high = told["intervals"][name]
        kinds = sorted({alarm.split(":")[0] for alarm in told["alarms"]})
        cells = [
            f"[{study.name}](../studies/{study.name}/README.md)" if place == 0 else "",
            TITLES[name],
            _number(name, getattr(plain, name, None)),
            _number(name, aims.get(name)),
            _number(name, told[name]),
            f"{_number(name, low)} to {_number(name, high)}",
            f"{told['n_test']:,}" if place == 0 else "",
            ", ".join(kinds) if place == 0 else "",
        ]
        found.append(f"| {' | '.join(cells)} |")
    return found


def _number(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name == "days_earlier":
        return f"{value:.2f}"
    return f"{100 * value:.1f} %" if name == "first_half_share" else f"{value:.3f}"


def put_into(path: Path, text: str) -> None:
    """Put the table between the marks of a page, or write it alone where there are none."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = f"{BEGIN}\n{text}\n{END}"
    if BEGIN in page and END in page:
        head, _, rest = page.partition(BEGIN)
        whole = f"{head}{whole}{rest.partition(END)[2]}"
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(whole if whole.endswith("\n") else f"{whole}\n", encoding="utf-8")
    scratch.replace(path)
