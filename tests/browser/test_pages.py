"""Every page of the studio in a real browser: no foreign request, no word on the console, no text that becomes code."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW
from tests.browser.runs import EVIL, held_run, small_run

PAGES = (
    "/",
    "/samples",
    "/sample?place=raw.jsonl:13",
    "/tokens",
    "/review",
    "/review/team",
    "/training",
    "/compare",
    "/chat",
)
EVIL_RECORD = {"instruction": f"问{EVIL}", "input": "", "output": f"答{EVIL}", "domain": [EVIL]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("pages"), more=(EVIL_RECORD,)).path


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_every_page_is_quiet_and_keeps_texts_as_texts(studio, opened, folder, language):
    page = opened(studio(folder), locale=language)
    for path in PAGES:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        assert "坏" not in page.title(), path
        assert page.locator("main img, main script[src='x']").count() == 0, path


def test_a_run_whose_samples_all_wait_shows_every_page(studio, opened, tmp_path):
    page = opened(studio(held_run(tmp_path, 2).path))
    for path in (
        "/",
        "/samples",
        "/sample?place=raw.jsonl:1",
        "/tokens",
        "/review/team",
        "/training",
        "/chat",
    ):
        page.goto(path)
        assert page.locator("h1").count() == 1, path


def test_a_narrow_window_never_scrolls_sideways(studio, opened, folder):
    page = opened(studio(folder), viewport=NARROW)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
