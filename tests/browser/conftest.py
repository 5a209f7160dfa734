"""A real browser over a real studio: nothing external may be asked for, and the console stays silent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from scripts.browser import find

from tests.loopback import running
from tilth.store.folder import RunFolder
from tilth.studio import app

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
)  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


def apart(call, *arguments, **named):
    """The result of a call in a thread of its own: Playwright leaves an event loop in the test's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *arguments, **named).result()


@pytest.fixture(scope="package")
def chromium():
    """One browser for all tests of this folder; each test gets contexts of its own, as people have machines."""
    path = find()
    if path is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("no Chromium was found; install one, or run: make browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield made
        made.close()


@dataclass
class Watch:
    """What pages did that no page may do."""

    home: str
    outside: list[str] = field(default_factory=list)
    """Requests to any other host."""
    said: list[str] = field(default_factory=list)
    """Errors and warnings on the console, and uncaught exceptions."""
    offline: bool = False
    """While the test cuts the network, failed requests are its own doing."""

    def over(self, page: Any) -> Any:
        """Watch a page from now on."""
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda message: self._spoke(message.type, message.text))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        return page

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != urlsplit(self.home).netloc:
            self.outside.append(url)

    def _spoke(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not (self.offline and "Failed to load resource" in text):
            self.said.append(f"{kind}: {text}")


@pytest.fixture
def studio() -> Iterator[Any]:
    """Starts a studio over a run folder on a free port; gives its address. All stop when the test ends."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda folder, **more: stack.enter_context(running(app(RunFolder(folder), **more)))


@pytest.fixture
def opened(chromium) -> Iterator[Any]:
    """Opens a page in a new context, as a person on an own machine; what it did is checked when the test ends.

    `opened(url, path="/", viewport=WIDE, color_scheme="light", locale="en-US")` gives the page; `page.watch` tells
    what it did so far.
    """
    watches: list[Watch] = []
    contexts: list[Any] = []

    def one(url: str, path: str = "/", **settings: Any) -> Any:
        wanted = {"viewport": WIDE, "locale": "en-US", "color_scheme": "light", **settings}
        context = chromium.new_context(base_url=url, **wanted)
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch = Watch(url)
        watches.append(watch)
        context.on("page", watch.over)
        page = context.new_page()
        page.watch = watch
        page.goto(path)
        return page

    yield one
    for context in contexts:
        context.close()
    for watch in watches:
        assert watch.outside == []
        assert watch.said == []


@contextmanager
def offline(page: Any) -> Iterator[None]:
    """Cut the network of a page's context while the block runs."""
    page.watch.offline = True
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)
