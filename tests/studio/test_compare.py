"""The blind vote as a browser without a script sends it, and the result with links into the run."""

from __future__ import annotations

import re
import shutil

import httpx
import pytest

from tests.loopback import running
from tilth.errors import FolderError
from tilth.evaluation.reopen import reopen
from tilth.evaluation.studies import compare_answers
from tilth.store.files import read_jsonl, write_jsonl
from tilth.store.folder import RunFolder
from tilth.studio import app

ROWS = [{"question": f"第{n}只猫为什么不排队？", "before": f"旧{n}", "after": f"新{n}"} for n in range(6)]


@pytest.fixture
def voted(folder, tmp_path):
    """A studio over a run that was compared by a file of answers."""
    shutil.copytree(folder.path, tmp_path / "run")
    write_jsonl(tmp_path / "answers.jsonl", ROWS)
    compare_answers(tmp_path / "answers.jsonl", tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    with running(app(run)) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        yield run, client


@pytest.fixture
def imported(tmp_path):
    """A studio over a folder that holds nothing but an imported file of answers."""
    write_jsonl(tmp_path / "answers.jsonl", ROWS)
    compare_answers(tmp_path / "answers.jsonl", tmp_path / "before-after")
    run = RunFolder(tmp_path / "before-after")
    with running(app(run)) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        yield run, client


def form(page):
    return re.search(r"<form method=.*?</form>", page, re.DOTALL).group()


def fields(page):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', form(page)))


def test_a_ballot_tells_nothing_and_keeps_its_sides(voted):
    _, client = voted
    first = client.get("/compare?lang=en").text
    assert form(first).count('class="say"') == 2
    assert not re.search(r"before|after|swap|tuned|base\b|model", form(first), re.IGNORECASE)
    again = client.get("/compare?lang=en").text
    assert form(again).replace(fields(again)["event_id"], "") == form(first).replace(
        fields(first)["event_id"], ""
    )


def test_every_vote_counts_once_and_can_be_taken_back(voted):
    run, client = voted
    for n in range(6):
        page = client.get("/compare?lang=en").text
        left = re.search(r'class="say" tabindex="0">(.*?)</div>', page).group(1)
        sent = {**fields(page), "act": "left", "who": "小李", "ms": "1500", "note": "更好"}
        answers = [client.post("/compare?lang=en", data=sent) for _ in range(2)]
        assert [a.status_code for a in answers] == [200, 200]
        votes = list(read_jsonl(run.votes))
        assert len(votes) == n + 1
        assert (votes[-1]["winner"], votes[-1]["person"]) == (
            "before" if left.startswith("旧") else "after",
            "小李",
        )
    assert "You have voted on every pair." in answers[-1].text
    undone = client.post("/compare?lang=en", data={**fields(answers[-1].text), "act": "undo", "who": "小李"})
    assert "5 of 6 pairs voted on" in undone.text
    result = client.get("/compare/result?lang=en").text
    assert "小李" in result
    assert 'href="/sample?place=raw.jsonl%3A' in result
    assert "<style" not in result


def test_what_is_left_for_later_comes_at_the_end(voted):
    _, client = voted
    first = client.get("/compare").text
    later = client.post("/compare", data={**fields(first), "act": "later"})
    assert fields(later.text)["item"] != fields(first)["item"]
    assert fields(first)["item"] in str(later.url)


@pytest.mark.parametrize(
    ("change", "status"), [({"act": "none"}, 400), ({"item": "gone"}, 409), ({"event_id": ""}, 400)]
)
def test_a_wrong_vote_is_refused(voted, change, status):
    run, client = voted
    sent = {**fields(client.get("/compare").text), "act": "left", "ms": "x", **change}
    assert client.post("/compare", data=sent).status_code == status
    assert client.post("/compare", data=sent, headers={"origin": "http://evil.example"}).status_code == 403
    assert not run.votes.exists()


def test_imported_answers_are_voted_on_without_a_run(imported):
    run, client = imported
    front = client.get("/?lang=en")
    assert (front.url.path, front.url.query) == ("/compare", b"lang=en")
    assert 'href="/samples' not in front.text
    sent = {**fields(front.text), "act": "left", "who": "小李", "ms": "900"}
    assert "1 of 6 pairs voted on" in client.post("/compare?lang=en", data=sent).text
    (vote,) = read_jsonl(run.votes)
    result = client.get("/compare/result?lang=en").text
    assert vote["person"] == "小李"
    assert "小李" in result
    assert 'href="/sample' not in result
    again = reopen(run)
    assert (again.tally.judged, again.as_dict()["judged_by"]) == (1, "people")


@pytest.mark.parametrize("address", ["/samples", "/sample?place=answers.jsonl%3A1", "/review", "/chat"])
def test_a_folder_without_a_run_has_no_pages_of_samples(imported, address):
    _, client = imported
    told = client.get(address, headers={"accept-language": "en"})
    assert told.status_code == 404
    assert "no run whose samples could be shown" in told.text
    assert 'href="/samples' not in told.text
    assert client.get("/report/compare.html").status_code == 200


def test_a_folder_with_nothing_is_refused(tmp_path):
    with pytest.raises(FolderError, match="no run folder"):
        app(RunFolder(tmp_path))
