"""What must not get in: foreign names and pages, large bodies, paths; and what binds every answer."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.loopback import running
from tilth.serving.guard import json_response
from tilth.studio.assets import assets
from tilth.studio.door import Door
from tilth.studio.posts import LIMIT, Refused, choice, event_id, read_json, text

ADDRESSES = (
    "/",
    "/samples",
    "/sample?place=raw.jsonl:1",
    "/training",
    "/tokens",
    "/compare",
    "/chat",
    "/nowhere",
    "/favicon.ico",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_bound(browser, address):
    headers = browser.get(address).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; base-uri 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_holds_what_the_policy_forbids(browser, address):
    page = browser.get(address).text
    assert not re.search(
        r"<style|<script(?![^>]*(src=|application/json))|<[^>]*\s(style|on\w+)=|javascript:", page
    )


def test_a_report_may_load_and_run_nothing(browser):
    policy = browser.get("/report/data.html").headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "default-src 'none'" in policy[0]
    assert "sandbox" in policy[0]


def test_assets_come_from_a_fixed_table(browser):
    assert len(assets()) >= 3
    for name, asset in assets().items():
        answer = browser.get(f"/static/{name}")
        assert (answer.content, answer.headers["cache-control"][:7]) == (asset.content, "private")
    for path in ("..%2fapp.py", "%2e%2e/app.py", "../app.py", "%2fetc%2fpasswd", "app.py", ""):
        answer = browser.get(f"/static/{path}")
        assert answer.status_code == 404, path
        assert "import" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused(browser, host):
    answer = browser.get("/", headers={"host": host})
    assert answer.status_code in (400, 403)
    assert "raw.jsonl" not in answer.text


async def _take(request):
    try:
        body = await read_json(request)
        return json_response(
            {"said": text(body, "said"), "id": event_id(body), "side": choice(body, "side", ("left",))}
        )
    except Refused as refused:
        return json_response({"error": refused.message}, refused.status)


@pytest.fixture(scope="module")
def taker():
    """A page that takes posts, behind the studio's door."""
    made = Starlette(routes=[Route("/api/take", _take, methods=["POST"])])
    made.add_middleware(Door, token=None)
    with running(made) as url, httpx.Client(base_url=url) as client:
        yield client


GOOD = {"said": "好", "event_id": "0123abcd", "side": "left"}


def test_a_page_of_ours_may_post(taker):
    own = {"origin": str(taker.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert taker.post("/api/take", json=GOOD, headers=own).json()["said"] == "好"
    assert taker.post("/api/take", json=GOOD).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"}, {"sec-fetch-site": "cross-site"}],
)  # fmt: skip
def test_a_foreign_page_changes_nothing(taker, headers):
    assert taker.post("/api/take", json=GOOD, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[1]", 400),
        (b"[" * 100_000, 400),
        (json.dumps({**GOOD, "said": 1}).encode(), 400),
        (json.dumps({**GOOD, "event_id": "../x"}).encode(), 400),
        (json.dumps({**GOOD, "side": "right"}).encode(), 400),
        (b" " * (LIMIT + 1), 413),
    ],
)
def test_a_wrong_body_is_refused_in_words(taker, body, status):
    answer = taker.post("/api/take", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"]
    assert "Traceback" not in answer.text


def test_a_body_without_a_length_is_cut_off_too(taker):
    pieces = (b" " * 65536 for _ in range(LIMIT // 65536 + 1))
    answer = taker.post("/api/take", content=pieces, headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_a_form_of_another_type_is_refused(taker):
    assert taker.post("/api/take", data={"said": "x"}).status_code == 415
