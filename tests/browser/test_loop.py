"""The whole loop: a run holds samples, people decide in the browser, the next run heeds them and nothing else."""

from __future__ import annotations

import json

from tests.browser.conftest import apart
from tests.browser.runs import held_run, small_run
from tests.browser.test_review import sit_down, wait_saved
from tilth.engine import explain, run, show
from tilth.store.files import read_jsonl


def rerun(folder):
    return apart(run, folder.path.parent / "recipe.yaml", folder.path, workers=1)


def answers(folder):
    """Place → the answer in the training file."""
    lines = [json.loads(line) for line in folder.side("train").read_text(encoding="utf-8").splitlines()]
    places = [row["place"] for row in read_jsonl(folder.index)]
    return {
        int(p.rpartition(":")[2]): line["messages"][-1]["content"]
        for p, line in zip(places, lines, strict=True)
    }


def test_what_people_decide_is_what_the_next_run_does(studio, opened, tmp_path):
    folder = held_run(tmp_path, 6)
    before = {
        n: row["sample"]["messages"][-1]["content"]
        for n, row in enumerate(read_jsonl(folder.door("held")), 1)
    }
    assert folder.read_run()["status"] == "waiting"
    page = sit_down(opened, studio(folder.path))
    page.keyboard.press("a")
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("改过的回答。")
    page.keyboard.press("Control+Enter")
    for key in "rfau":
        page.keyboard.press(key)
    wait_saved(page)
    found = rerun(folder)
    assert (
        found["status"],
        found["counts"]["kept"],
        found["counts"]["dropped"],
        found["counts"]["held"],
    ) == ("waiting", 2, 1, 3)
    assert answers(folder) == {1: before[1], 2: "改过的回答。"}
    (gone,) = read_jsonl(folder.door("dropped"))
    assert (gone["place"], gone["step"], gone["reason"]) == (
        "raw.jsonl:3",
        "annotate.person",
        "rejected_by_person",
    )
    assert gone["evidence"]["persons"] == ["小李"]
    reasons = [row["reason"] for row in read_jsonl(folder.door("held"))]
    assert reasons == ["flagged_by_persons", "waiting_for_person", "waiting_for_person"]
    told = explain(folder.path, "raw.jsonl:2")
    assert [event["person"] for event in told["decisions"]] == ["小李"]
    page.goto("/review")
    page.wait_for_selector("#where:has-text('raw.jsonl:5')")
    assert "2 left" not in page.inner_text("main")
    page.keyboard.press("a")
    page.keyboard.press("a")
    page.goto("/review?queue=flagged")
    page.wait_for_selector("#where:has-text('raw.jsonl:4')")
    page.keyboard.press("a")
    wait_saved(page)
    found = rerun(folder)
    assert (found["status"], found["counts"]["kept"], found["counts"]["held"]) == ("done", 5, 0)


def test_two_answers_must_agree_before_a_sample_goes_on(studio, opened, tmp_path):
    folder = held_run(tmp_path, 2, answers=2)
    url = studio(folder.path)
    for person, keys in (("小李", "aa"), ("小王", "ar")):
        page = sit_down(opened, url, person)
        for key in keys:
            page.keyboard.press(key)
        wait_saved(page)
    assert rerun(folder)["counts"]["held"] == 1
    page = sit_down(opened, url, "组长", "/review?queue=disputed")
    page.keyboard.press("2")
    wait_saved(page)
    assert [rerun(folder)["counts"][door] for door in ("kept", "dropped", "held")] == [1, 1, 0]


def test_decisions_about_kept_samples_and_proposals_take_effect(studio, opened, tmp_path):
    date = {
        "instruction": "什么时候？",
        "input": "",
        "output": "写于03/04/2024，说不清是几月。",
        "domain": ["常识"],
    }
    folder = small_run(tmp_path, 3, more=(date,))
    url = studio(folder.path)
    page = sit_down(opened, url, path="/review?queue=proposals")
    taken = page.inner_text("#offer ins")
    page.keyboard.press("a")
    wait_saved(page)
    page.goto("/review?queue=kept")
    page.wait_for_selector("#where:has-text('raw.jsonl:1')")
    page.keyboard.press("r")
    page.keyboard.press("e")
    page.keyboard.type("又及。")
    page.keyboard.press("Control+Enter")
    wait_saved(page)
    found = rerun(folder)
    assert (found["counts"]["kept"], found["counts"]["dropped"]) == (3, 1)
    lines = [row["place"] for row in read_jsonl(folder.index)]
    assert lines == ["raw.jsonl:2", "raw.jsonl:3", "raw.jsonl:4"]
    texts = {
        s["place"]: s["sample"]["messages"][-1]["content"] for s in apart(lambda: list(show(folder.path)))
    }
    assert texts["raw.jsonl:2"].endswith("又及。")
    assert taken in texts["raw.jsonl:4"]
    page.goto("/review?queue=proposals")
    page.wait_for_selector("#empty:not([hidden])")
