import json
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

pytest.importorskip("trafilatura")
pytest.importorskip("protego")

from tilth.errors import MissingExtra, SourceError
from tilth.sources import files_of, plan, spec_at, web
from tilth.sources.base import Spec
from tilth.sources.reading import entries
from tilth.sources.web import MAX_BYTES, fetch_pages

from .loopback import Answer, serving
from .test_html import ARTICLE, LIST

HTML = {"Content-Type": "text/html; charset=iso-8859-1"}
SOON = {"Retry-After": "0"}


@pytest.fixture
def site():
    with serving() as site:
        site.put("/a", Answer(ARTICLE.encode("gb18030"), headers=HTML))
        yield site


def at(url, folder, page="article"):
    spec = spec_at(url, folder)
    return Spec(spec.path, page=page, address=spec.address)


def fetched(*specs):
    fetch_pages(specs, interval_s=0)
    return [entry for shard in plan(specs) for part in shard.parts for entry in entries(part)]


def test_a_page_is_a_record_with_its_address_and_time(site, tmp_path):
    (entry,) = fetched(at(f"{site.url}/a", tmp_path))
    assert list(entry.record)[:3] == ["url", "fetched", "title"]
    assert (entry.record["url"], entry.record["title"]) == (f"{site.url}/a", "影子的速度")
    assert datetime.fromisoformat(entry.record["fetched"]).tzinfo is not None


def test_a_page_is_asked_for_once(site, tmp_path):
    first = fetched(at(f"{site.url}/a", tmp_path))
    assert site.paths() == ["/robots.txt", "/a"]
    site.put("/a", Answer(b"changed", headers=HTML))
    assert fetched(at(f"{site.url}/a", tmp_path)) == first
    assert len(site.asked) == 2
    assert site.asked[1][2]["User-Agent"] == "Tilth"


def test_places_name_the_page(site, tmp_path):
    site.put("/f/list.php", Answer(LIST.encode(), headers=HTML))
    spec = at(f"{site.url}/f/list.php?pn=50", tmp_path, "list")
    assert len(fetched(spec)) == 6
    (file,) = files_of([spec])
    assert file.name.startswith("list-php-")
    assert at(f"{site.url}/f/list.php?pn=100", tmp_path).path != spec.path


def test_robots_are_asked_first_and_obeyed(site, tmp_path):
    site.put("/robots.txt", b"User-agent: *\nDisallow: /private/\nDisallow: /*?print=\n")
    site.put("/private/b", Answer(ARTICLE.encode(), headers=HTML))
    urls = ["/a", "/private/b", "/a?print=1"]
    good, *forbidden = fetched(*(at(site.url + url, tmp_path) for url in urls))
    assert not good.error
    assert [entry.error for entry in forbidden] == [
        f"{site.url}{url}: {site.url}/robots.txt forbids it" for url in urls[1:]
    ]
    assert site.paths() == ["/robots.txt", "/a"]


@pytest.mark.parametrize(("robots", "pause_s"), [("", 1.0), ("User-agent: Tilth\nCrawl-delay: 7\n", 7.0)])
def test_a_host_is_given_time_between_requests(site, tmp_path, monkeypatch, robots, pause_s):
    pauses = []
    monkeypatch.setattr(web, "time", SimpleNamespace(monotonic=lambda: 1000.0, sleep=pauses.append))
    site.put("/robots.txt", robots.encode())
    for name in ("a", "a?page=2", "a?page=3"):
        fetch_pages([at(f"{site.url}/{name}", tmp_path)])
    assert pauses == [0.0, pause_s, pause_s]


def test_robots_that_lead_in_circles_forbid_nothing(site, tmp_path):
    site.put("/robots.txt", Answer(b"", 302, {"Location": "/robots.txt"}))
    assert not fetched(at(f"{site.url}/a", tmp_path))[0].error


def test_robots_that_cannot_be_read_forbid_everything(site, tmp_path):
    site.put("/robots.txt", Answer(b"", 503, SOON))
    with pytest.raises(SourceError, match=r"/a cannot be fetched: .*503.* run the command again later"):
        fetched(at(f"{site.url}/a", tmp_path))
    assert "/a" not in site.paths()


@pytest.mark.parametrize(
    "fault",
    [Answer(b"", 429, SOON), Answer(b"", 500, SOON), Answer(ARTICLE.encode(), headers=HTML, cut=50)],
    ids=["429", "500", "cut"],
)
def test_faults_that_pass_are_waited_out(site, tmp_path, fault):
    site.put("/a", fault, Answer(ARTICLE.encode(), headers=HTML))
    assert not fetched(at(f"{site.url}/a", tmp_path))[0].error


def test_a_server_that_keeps_failing_stops_the_run_and_what_was_fetched_is_kept(site, tmp_path):
    site.put("/b", Answer(b"", 503, SOON))
    specs = [at(f"{site.url}/{name}", tmp_path) for name in "ab"]
    with pytest.raises(SourceError, match=r"/b cannot be fetched: .*503"):
        fetched(*specs)
    site.put("/b", Answer(ARTICLE.encode(), headers=HTML))
    assert len(fetched(*specs)) == 2
    assert site.paths().count("/a") == 1


def test_a_body_shorter_than_claimed_is_no_page(site, tmp_path):
    site.put("/a", Answer(ARTICLE.encode(), headers=HTML | SOON, claim=len(ARTICLE.encode()) + 9))
    with pytest.raises(SourceError, match="/a cannot be fetched: peer closed connection"):
        fetched(at(f"{site.url}/a", tmp_path))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"", 404), "the server answers 404"),
        (Answer(b"", 302, {"Location": "/a"}), "it is redirected more than 5 times"),
        (Answer(b"", 302, {"Location": "ftp://x/a"}), "it leads to ftp://x/a, which is no web address"),
        (
            Answer(b"%PDF", headers={"Content-Type": "application/pdf"}),
            "it is application/pdf, not an HTML page",
        ),
        (Answer(bytes(MAX_BYTES + 1), headers=HTML), "it is larger than 10 MB"),
    ],
    ids=["gone", "loop", "scheme", "kind", "huge"],
)
def test_a_page_that_will_not_be_had_is_quarantined_alone(site, tmp_path, answer, reason):
    site.put("/a", answer)
    site.put("/b", Answer(ARTICLE.encode(), headers=HTML))
    bad, good = fetched(*(at(f"{site.url}/{name}", tmp_path) for name in "ab"))
    assert bad.error == f"{site.url}/a: {reason}"
    assert json.loads(bad.raw)["error"] == reason
    assert not good.error


def test_each_redirect_must_be_allowed(site, tmp_path):
    site.put("/robots.txt", b"User-agent: *\nDisallow: /private/\n")
    site.put("/moved", Answer(b"", 301, {"Location": "/a"}))
    site.put("/lured", Answer(b"", 301, {"Location": "/private/x"}))
    moved, lured = fetched(*(at(f"{site.url}/{name}", tmp_path) for name in ("moved", "lured")))
    assert moved.record["url"] == f"{site.url}/a"
    assert lured.error.endswith("robots.txt forbids it")


def test_the_kind_of_page_must_be_said(tmp_path):
    with pytest.raises(
        SourceError, match=r"https://x.test/a is a web page: say what kind. Write {path: .*page: article}"
    ):
        plan([spec_at("https://x.test/a", tmp_path)])


def test_an_address_that_is_none_says_so(tmp_path):
    with pytest.raises(SourceError, match="http://x.test:port/a cannot be fetched: Invalid port"):
        plan([at("http://x.test:port/a", tmp_path)])


def test_the_library_is_optional(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tilth\[web\]'"):
        plan([at("https://x.test/a", tmp_path)])
