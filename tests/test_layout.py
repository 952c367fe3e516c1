"""The architecture, as a table. Change the table first, then the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# layer: (our layers it may import, libraries only it and the layers above may import)
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    "records": (set(), {"polars", "deltalake", "filelock", "sqlalchemy", "numba"}),
    "features": ({"records"}, {"pandas", "distributed"}),
    "models": ({"records", "features"}, {"lightgbm", "sklearn"}),
    "decisions": ({"records", "features", "models"}, {"xlsxwriter"}),
    "training": (
        {"records", "features", "models"},
        {"mlflow", "optuna", "shap", "fairlearn", "scipy", "jinja2"},
    ),
    "serving": (
        {"records", "features", "models", "decisions"},
        {"fastapi", "jinja2", "limits", "starlette"},
    ),
    "city": ({"records"}, set()),
    "commands": (
        {"records", "features", "models", "decisions", "training", "serving", "city"},
        {"click", "rich", "uvicorn"},
    ),
}
GUARDED = {library for _, libraries in LAYERS.values() for library in libraries}
GROUND_LIBRARIES = {"sqlalchemy"}
"""What `src/xinheng` itself may use of the guarded ones: the operational database's engine."""
SOURCES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
every_source = pytest.mark.parametrize(
    "path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES]
)


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_is_linked_into_the_package(layer: str) -> None:
    assert (ROOT / "src/xinheng" / layer).resolve() == ROOT / layer


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_imports_only_what_the_table_allows(layer: str) -> None:
    below, _ = LAYERS[layer]
    allowed = {library for name in (*below, layer) for library in LAYERS[name][1]}
    for path in (ROOT / layer).rglob("*.py"):
        names = [name.split(".") for name in imports(path)]
        ours = {n[1] for n in names if n[0] == "xinheng" and len(n) > 1} & set(LAYERS)
        libraries = {n[0] for n in names} & GUARDED
        where = path.relative_to(ROOT)
        assert ours <= below | {layer}, f"{where} imports {sorted(ours - below)}"
        assert libraries <= allowed, f"{where} imports {sorted(libraries - allowed)}"


def test_the_ground_knows_no_floor() -> None:
    for path in (ROOT / "src/xinheng").glob("*.py"):
        names = [name.split(".") for name in imports(path)]
        ours = {n[1] for n in names if n[0] == "xinheng" and len(n) > 1}
        assert not ours & set(LAYERS), path.name
        assert {n[0] for n in names} & GUARDED <= GROUND_LIBRARIES, path.name


@every_source
def test_no_clock_below_serving_and_the_command_line(path: Path) -> None:
    """The moment is an argument: a score must not depend on when it is computed."""
    if path.relative_to(ROOT).parts[0] in {"serving", "commands"}:
        return
    clocks = {
        "now", "utcnow", "today", "time_ns", "localtime", "perf_counter", "monotonic",
    }  # fmt: skip
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & clocks


@every_source
def test_functions_and_modules_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            told = (doc.end_lineno or 0) - doc.lineno + 1 if doc else 0
            assert (node.end_lineno or 0) - node.lineno + 1 - told <= 50, node.name


@every_source
def test_a_path_is_read_as_a_literal_name(path: Path) -> None:
    """Without `glob=False` Polars reads `a[1].csv` as a pattern, and finds `a1.csv` or nothing."""
    readers = {
        f"{verb}_{form}"
        for verb in ("read", "scan")
        for form in ("csv", "parquet", "ipc", "ndjson")
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in readers and ast.unparse(node.func.value) == "pl":
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            assert given.get("glob") == "False", f"{path}, line {node.lineno}"


def test_no_folder_holds_more_than_a_dozen_modules() -> None:
    for layer in LAYERS:
        for folder in {path.parent for path in (ROOT / layer).rglob("*.py")}:
            modules = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
            assert len(modules) <= 12, folder


def test_the_product_never_reads_the_shared_folder() -> None:
    for path in SOURCES:
        assert "shared/" not in path.read_text(encoding="utf-8"), path
