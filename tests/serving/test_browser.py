"""The pages in a real Chromium, on a real server, in both languages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.conftest import TownRun
from xinheng.decisions.kept.store import DecisionStore

NO_SKIP = os.environ.get("XINHENG_NO_SKIP") == "1"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1300,1000",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(town: TownRun, store: DecisionStore) -> Iterator[str]:
    """`xinheng serve` as a process of its own, on a free port."""
    assert store.current_run().assessed
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from xinheng.commands import main; main()", "serve"]
    server = subprocess.Popen([*command, "--home", str(town.home.root), "--port", str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        _await(f"{base}/healthz")
        yield base
    finally:
        server.terminate()
        server.wait(20)


def _await(url: str) -> None:
    for _ in range(150):
        try:
            with urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no server at {url}")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        assert not NO_SKIP, "chromium and chromium-driver must be installed"
        pytest.skip("chromium and chromium-driver are not installed: pages are not looked at")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.mark.parametrize(
    ("language", "heading", "switch"),
    [("zh", "检查名单", "English"), ("en", "Inspection list", "中文")],
)
def test_a_regulator_can_go_from_the_list_to_the_reasons_and_back(
    browser: webdriver.Chrome, address: str, language: str, heading: str, switch: str
) -> None:
    browser.get(f"{address}/?lang={language}")
    assert heading in browser.find_element(By.TAG_NAME, "h1").text
    rows = browser.find_elements(By.CSS_SELECTOR, "table.list tbody tr")
    assert len(rows) == 30
    name = rows[0].find_element(By.TAG_NAME, "a")
    told = name.text
    name.click()
    assert told in browser.find_element(By.TAG_NAME, "h1").text
    bars = browser.find_elements(By.CSS_SELECTOR, "svg.waterfall rect.bar")
    assert len(bars) >= 5
    assert all(bar.size["width"] > 0 for bar in bars)
    assert browser.find_element(By.CLASS_NAME, "language").text == switch
    browser.find_element(By.CSS_SELECTOR, "main a").click()
    assert heading in browser.find_element(By.TAG_NAME, "h1").text


def test_the_style_is_loaded_and_the_policy_broken_by_nothing(
    browser: webdriver.Chrome, address: str
) -> None:
    browser.get(f"{address}/?lang=zh")
    top = browser.find_element(By.CSS_SELECTOR, "header.top")
    assert top.value_of_css_property("background-color") == "rgba(18, 53, 91, 1)"
    width = browser.execute_script("return document.documentElement.scrollWidth")  # type: ignore[no-untyped-call]
    assert width <= 1300, "no page-wide scroll bar"
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []


def test_pictures_are_kept_where_asked(browser: webdriver.Chrome, address: str) -> None:
    """`XINHENG_SCREENSHOTS=folder` keeps what was seen, for the README and for people."""
    folder = os.environ.get("XINHENG_SCREENSHOTS")
    browser.get(f"{address}/?lang=en")
    first = browser.find_element(By.CSS_SELECTOR, "table.list tbody a")
    target = first.get_attribute("href")  # type: ignore[no-untyped-call]
    for name, url in (("list", f"{address}/?lang=zh"), ("enterprise", target)):
        browser.get(str(url))
        picture = browser.get_screenshot_as_png()
        assert picture.startswith(b"\x89PNG")
        if folder:
            (Path(folder) / f"{name}.png").write_bytes(picture)
