"""The notebooks run from their first cell to the last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.cities import CityHome

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own libraries
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs(path: Path, city: CityHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINHENG_HOME", str(city.home.root))
    book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert not [cell for cell in book.cells if cell.get("outputs")], "kept without outputs"
    NotebookClient(book, timeout=300, kernel_name="python3").execute()
    last = [cell for cell in book.cells if cell.cell_type == "code"][-1]
    assert last.outputs, "the last cell shows something"
