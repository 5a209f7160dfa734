"""Every page, in both languages, and everything that must not get in or out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile

import httpx
import pytest

from tests.studio.conftest import EVIL, running
from tilth.errors import FolderError, UserError
from tilth.store.folder import RunFolder
from tilth.studio import app, serve
from tilth.studio.language import preferred

PAGES = [
    ("/", "Why samples left", "样本为何离开"),
    ("/samples", "1–50 of 67", "第 1–50 条，共 67 条"),
    ("/sample?place=raw.jsonl:2", "Its life", "完整经历"),
    ("/training", "validation loss", "验证损失"),
    ("/compare", "Nothing has been compared yet.", "还没有做过对比。"),
    ("/chat", "There is nobody to talk to yet.", "还没有可以对话的模型。"),
    ("/tokens", "Nothing can be counted yet.", "还无法统计。"),
    ("/nowhere", "There is nothing at this address.", "这个地址没有内容。"),
]


@pytest.mark.parametrize(("address", "english", "chinese"), PAGES)
def test_every_page_speaks_both_languages(browser, address, english, chinese):
    en = browser.get(address, headers={"accept-language": "fr, en;q=0.8, zh;q=0.5"})
    zh = browser.get(address, headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert english in en.text
    assert chinese in zh.text
    assert '<html lang="zh-CN">' in zh.text
    asked = browser.get(address, params={**httpx.URL(address).params, "lang": "zh"})
    assert chinese in asked.text


def test_a_language_asked_for_stays_in_the_links(browser):
    page = browser.get("/?lang=zh").text
    inside = [a for a in re.findall(r'href="(/[^"]*)"', page) if not a.startswith("/static/")]
    assert len(inside) > 10
    assert all("lang=zh" in address for address in inside)


@pytest.mark.parametrize(
    ("accepted", "lang"), [("zh-TW", "zh"), ("en-GB,zh;q=0.9", "en"), ("en;q=x,zh", "zh"), ("de", "en")]
)
def test_the_browsers_language(monkeypatch, accepted, lang):
    monkeypatch.setenv("TILTH_LANG", "en")
    assert preferred(accepted) == lang


def test_doors_and_reasons_lead_to_their_samples(browser):
    page = browser.get("/?lang=en").text
    assert 'href="/samples?door=kept&amp;lang=en"' in page
    address = re.search(r'href="(/samples\?door=dropped&amp;step=filter\.length[^"]*)"', page).group(1)
    shown = browser.get(address.replace("&amp;", "&")).text
    assert re.findall(r"raw\.jsonl:\d+(?=</span>)", shown) == ["raw.jsonl:3"]


def test_the_overview_tells_what_people_decided(browser):
    page = browser.get("/?lang=en").text
    assert "1 of 63 samples are decided." in page
    assert "People disagree on 1." in page
    assert re.search(r"小李</td>.*?120</td>", page, re.DOTALL)
    assert "helpful: equal votes 0.00" in page


def test_two_hanzi_are_found_and_marked(browser):
    page = browser.get("/samples", params={"q": "冰箱", "lang": "zh"}).text
    assert "第 1–2 条，共 2 条" in page
    assert "<mark>冰箱</mark>门开着" in page


def test_paging_keeps_the_wishes(browser):
    first = browser.get("/samples?q=猫&lang=en").text
    onward = re.search(r'rel="next" href="([^"]*)"', first).group(1).replace("&amp;", "&")
    second = browser.get(onward).text
    assert "51–60 of 60" in second
    assert 'rel="next"' not in second
    assert "51–60 of 60" in browser.get("/samples?q=猫&lang=en&page=99").text
    assert "1–50 of 60" in browser.get("/samples?q=猫&lang=en&page=-1").text


def test_a_search_without_hits_says_what_to_do(browser):
    assert "Take one wish back" in browser.get("/samples?q=没有这样的词&lang=en").text


def test_a_life_shows_changes_verdicts_proposals_and_source(browser):
    changed = browser.get("/sample?place=raw.jsonl:1&lang=en").text
    assert "<del>-05-</del>" in changed or "<ins>年5月" in changed
    assert "&#34;output&#34;: &#34;不会" in changed
    proposed = browser.get("/sample?place=raw.jsonl:2&lang=en").text
    assert "Proposed, not changed" in proposed
    doubled = browser.get("/sample?place=raw.jsonl:4&lang=en").text
    assert re.search(
        r'<a class="mono" href="/sample\?place=raw\.jsonl%3A1&amp;lang=en">raw\.jsonl:1</a>', doubled
    )
    assert "tilth restore run raw.jsonl:4" in doubled
    unread = browser.get("/sample?place=raw.jsonl:66&lang=en").text
    assert "没写完" in unread
    assert "Mend it in the source" in unread


def test_a_sample_leads_to_those_like_it_and_beside_it(browser):
    page = browser.get("/sample?place=raw.jsonl:10&lang=en").text
    like = page[page.index("Most like it") :]
    assert like.count("只猫为什么不排队？</a>") == 6
    assert 'rel="next" href="/sample?place=raw.jsonl%3A11&amp;lang=en"' in page
    assert 'rel="prev"' not in browser.get("/sample?place=raw.jsonl:1&lang=en").text


def test_equal_records_and_their_doors_are_told(browser):
    page = browser.get("/sample?place=raw.jsonl:4&lang=en").text
    assert "equal record" in page
    assert re.search(
        r'equal record <span class="tag kept">kept</span></p><a href="[^"]*raw\.jsonl%3A1&', page
    )


def test_a_compared_sample_shows_both_answers(browser):
    page = browser.get("/sample?place=raw.jsonl:5&lang=en").text
    assert "Before and after training" in page
    assert page.index("before &lt;script&gt;") < page.index("after &lt;script&gt;")


@pytest.mark.parametrize(
    "address", ["/", "/samples", f"/samples?q={EVIL}&door={EVIL}", "/sample?place=raw.jsonl:5", f"/sample?place={EVIL}", f"/{EVIL}", f"/?lang={EVIL}"]
)  # fmt: skip
def test_what_samples_and_addresses_say_stays_text(browser, address):
    answer = browser.get(address)
    assert answer.status_code in (200, 404)
    page = answer.text
    assert "<script" not in page
    assert "<img" not in page


def test_the_loss_curve_is_drawn(browser):
    page = browser.get("/training?lang=en").text
    assert page.count("<polyline") == 2
    assert "3.000 → 0.600" in page


def test_a_run_without_training_says_how(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "run", ignore=shutil.ignore_patterns("model"))
    with running(app(RunFolder(tmp_path / "run"))) as url:
        assert f"tilth train {tmp_path / 'run'}" in httpx.get(f"{url}/training?lang=en").text
        assert f"tilth train {tmp_path / 'run'}" in httpx.get(f"{url}/chat?lang=en").text
        assert f"tilth compare {tmp_path / 'run'}" in httpx.get(f"{url}/compare?lang=en").text


def test_reports_come_from_a_fixed_table(browser):
    assert "<h1>" in browser.get("/report/data.html").text
    assert browser.get("/report/compare.html").status_code == 404
    for path in ("..%2frun.json", "%2e%2e/run.json", "data.json", "%2fetc%2fpasswd", "answers.jsonl"):
        answer = browser.get(f"/report/{path}")
        assert answer.status_code == 404, path
        assert "counts" not in answer.text


@pytest.mark.parametrize("place", ["raw.jsonl:999", "../../etc/passwd", "", "猫"])
def test_an_unknown_place_is_told_in_words(browser, place):
    answer = browser.get("/sample", params={"place": place, "lang": "en"})
    assert answer.status_code == 404
    assert "start from the overview" in answer.text


def test_our_own_failure_shows_a_page_without_its_traceback(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "run")
    made = app(RunFolder(tmp_path / "run"))
    (tmp_path / "run" / "model" / "log.jsonl").write_text("{broken\n", encoding="utf-8")
    with running(made) as url:
        answer = httpx.get(f"{url}/training?lang=en")
    assert answer.status_code == 500
    assert "Tilth failed to make this page." in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_off_loopback_the_token_opens_once_and_the_cookie_from_then_on(folder):
    with running(app(folder, hosts=None, token="secret-1")) as url:
        assert httpx.get(f"{url}/", headers={"cookie": "tilth-1=secret-1"}).status_code == 401
        assert httpx.get(f"{url}/?token=wrong").status_code == 401
        assert httpx.get(f"{url}/?token=密").status_code == 401
        closed = httpx.get(f"{url}/report/data.html")
        assert closed.status_code == 401
        assert "raw.jsonl" not in closed.text
        assert "令牌" in httpx.get(url, headers={"accept-language": "zh"}).text
        with httpx.Client(base_url=url) as client:
            welcome = client.get(f"{url}//samples?token=secret-1&q=猫&q=狗")
            assert welcome.headers["refresh"] == "0; url=/samples?q=%E7%8C%AB&q=%E7%8B%97"
            cookie = welcome.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert client.get("/samples").status_code == 200


def test_the_studio_follows_a_run_that_is_made_again(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "run")
    made = RunFolder(tmp_path / "run")
    with running(app(made)) as url:
        assert "of 67" in httpx.get(f"{url}/samples?lang=en").text
        made.door("dropped").write_text("", encoding="utf-8")
        result = json.loads(made.run_json.read_text(encoding="utf-8"))
        made.run_json.write_text(json.dumps({**result, "status": "running", "counts": {}}), encoding="utf-8")
        assert "of 65" in httpx.get(f"{url}/samples?lang=en").text
        assert "has not finished" in httpx.get(f"{url}/?lang=en").text
        assert len(list(made.steps.glob("catalog-*"))) == 1
        waiting = httpx.get(f"{url}/sample?place=raw.jsonl:1&lang=en")
        assert (waiting.status_code, "has not finished" in waiting.text) == (409, True)


def test_a_run_that_may_not_be_written_is_shown_all_the_same(folder, tmp_path, monkeypatch):
    shutil.copytree(folder.path, tmp_path / "run", ignore=shutil.ignore_patterns("catalog-*"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = RunFolder(tmp_path / "run")

    monkeypatch.setattr(RunFolder, "catalog", lambda self, key: tmp_path / "not" / "there" / key)
    (tmp_path / "not").touch(mode=0o400)
    with running(app(made)) as url:
        assert "of 67" in httpx.get(f"{url}/samples?lang=en").text
    assert list(tmp_path.glob("tilth-*/catalog-*.sqlite"))


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(FolderError, match=r"has no run\.json"):
        app(RunFolder(tmp_path))


def test_a_port_in_use_is_told_in_words(folder, browser):
    with pytest.raises(UserError, match="--port"):
        serve(folder, port=browser.base_url.port)


def test_a_missing_extra_names_the_command(folder):
    code = (
        "import sys; sys.modules['starlette'] = None\n"
        "from tilth.errors import MissingExtra\n"
        "from tilth.store.folder import RunFolder\nfrom pathlib import Path\n"
        "from tilth.studio import app\n"
        "try: app(RunFolder(Path(sys.argv[1])))\n"
        "except MissingExtra as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=True
    )
    assert "pip install 'tilth[studio]'" in done.stdout


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("0.0.0.0", 401)])
def test_the_command_prints_an_address_that_opens(folder, host, status):
    command = [
        sys.executable,
        "-m",
        "tilth.cli.app",
        "studio",
        str(folder.path),
        "--host",
        host,
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as studio:
        try:
            address = studio.stderr.readline().rpartition(" ")[2].strip().replace("0.0.0.0", "127.0.0.1")
            assert ("token=" in address) == (status == 401)
            transport = httpx.HTTPTransport(retries=5)
            with httpx.Client(transport=transport) as client:
                assert client.get(address).status_code == 200
                assert httpx.get(address.partition("?")[0]).status_code == status
                assert client.get(address.partition("?")[0]).status_code == 200
        finally:
            studio.terminate()
