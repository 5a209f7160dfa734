"""What every test shares: a clean environment, and the real data sets where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL_DATA = os.environ.get("TILTH_REAL_DATA", "")
_counts = {"ran": 0, "skipped": 0, "without_browser": 0}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path_factory):
    """No settings, keys, caches or proxies of the person's reach a test; HOME is empty."""
    for name in list(os.environ):
        upper = name.upper()
        private = upper.startswith(("TILTH_", "HF_")) or upper.endswith(("_API_KEY", "_PROXY"))
        if private and name != "TILTH_REAL_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def real_data() -> Path:
    """The folder named by TILTH_REAL_DATA; the test is skipped where it is unset."""
    if not REAL_DATA:
        pytest.skip("TILTH_REAL_DATA is not set")
    return Path(REAL_DATA)


def pytest_runtest_logreport(report):
    if "real_data" in report.keywords and (report.when == "call" or report.skipped):
        _counts["skipped" if report.skipped else "ran"] += 1
    if "browser" in report.keywords and report.skipped:
        _counts["without_browser"] += 1


def pytest_sessionfinish(session):
    if REAL_DATA and _counts["skipped"]:
        session.exitstatus = 1


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        print(f"real-data tests: {_counts['ran']} ran, {_counts['skipped']} skipped")
        if _counts["without_browser"]:
            print(
                f"!!! {_counts['without_browser']} BROWSER TESTS DID NOT RUN: there is no Chromium (make browser)"
            )
