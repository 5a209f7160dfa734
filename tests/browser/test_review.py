"""The review desk under real hands: fast, offline, in two browsers at once, with an input method, over a reload."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import NARROW, offline
from tests.browser.runs import EVIL, held_run, small_run
from tilth.store.decisions import read_log, standing
from tilth.store.files import write_jsonl

SAVED = "#saved:has-text('all saved')"


@pytest.fixture
def held(tmp_path):
    return held_run(tmp_path)


def sit_down(opened, url, person="小李", path="/review", **settings):
    """A person at the desk, with the first sample on the screen."""
    page = opened(url, path, **settings)
    page.fill("#name", person)
    page.keyboard.press("Enter")
    page.wait_for_selector("#talk .turn")
    return page


def place(page):
    return page.inner_text("#where .mono >> nth=0")


def wait_saved(page):
    page.wait_for_selector(SAVED)


def said(folder):
    return [(e["verdict"], e["sample_id"]) for e in read_log(folder.decisions)]


def test_fifty_samples_by_keyboard_alone(studio, opened, tmp_path):
    folder = held_run(tmp_path, 50)
    page = sit_down(opened, studio(folder.path))
    keys = "arfaa" * 10
    for key in keys:
        # A key decides about what stands on the screen; while more is being loaded nothing does.
        page.wait_for_selector("#empty", state="hidden")
        page.keyboard.press(key)
    wait_saved(page)
    page.wait_for_selector("#empty:not([hidden]) >> text=This queue is done.")
    words = {"a": "accept", "r": "reject", "f": "flag"}
    held_ids = [
        json.loads(line)["id"] for line in folder.door("held").read_text(encoding="utf-8").splitlines()
    ]
    assert said(folder) == [(words[key], id_) for key, id_ in zip(keys, held_ids, strict=True)]


def test_every_decision_is_about_what_stood_on_the_screen(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    seen = []
    for _ in range(12):
        seen.append(page.inner_text("#talk .turn.user .say"))
        page.keyboard.press("a")
    wait_saved(page)
    asked = {
        line["id"]: line["sample"]["messages"][0]["content"]
        for line in map(json.loads, held.door("held").read_text(encoding="utf-8").splitlines())
    }
    assert [asked[id_] for _, id_ in said(held)] == seen
    assert len(set(seen)) == 12


def test_a_key_held_down_decides_once(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.evaluate(
        "for (const repeat of [false, true, true]) document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat, bubbles: true, cancelable: true}))"
    )
    wait_saved(page)
    assert len(said(held)) == 1


def test_scores_note_and_edit_by_keyboard(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    for key in ("4", "3", "5", "x", "2"):
        page.keyboard.press(key)
    page.keyboard.press("n")
    page.keyboard.type("差不多 afr")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("猫觉得队伍没有意义。")
    assert page.inner_text(".turn.assistant ins") != ""
    page.keyboard.press("Control+Enter")
    wait_saved(page)
    event = next(read_log(held.decisions))
    assert event["verdict"] == "edit"
    assert event["messages"][1]["content"] == "猫觉得队伍没有意义。"
    assert event["scores"] == {"harmless": 4, "honest": 2, "helpful": 5}
    assert event["note"] == "差不多 afr"
    assert event["person"] == "小李"
    assert event["ms"] > 0
    assert place(page) == "raw.jsonl:2"


def test_an_edit_that_changes_nothing_is_an_acceptance(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("e")
    page.keyboard.press("Control+Enter")
    wait_saved(page)
    assert [verdict for verdict, _ in said(held)] == ["accept"]


def test_what_is_shown_is_what_is_accepted(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("e")
    page.keyboard.type("又及。")
    page.keyboard.press("Escape")
    assert page.inner_text(".turn.assistant ins") == "又及。"
    page.keyboard.press("a")
    wait_saved(page)
    event = next(read_log(held.decisions))
    assert (event["verdict"], event["messages"][1]["content"][-3:]) == ("edit", "又及。")


def test_an_input_method_never_triggers_a_key(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    cdp = page.context.new_cdp_session(page)
    page.keyboard.press("n")
    cdp.send("Input.imeSetComposition", {"text": "afr", "selectionStart": 3, "selectionEnd": 3})
    cdp.send("Input.insertText", {"text": "好"})
    assert page.input_value("#note") == "好"
    page.evaluate(
        """for (const key of ['a', 'r', 'f', 'Enter', 'Escape']) {
          document.body.dispatchEvent(new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true}));
          document.body.dispatchEvent(new KeyboardEvent('keydown', {key, keyCode: 229, bubbles: true}));
        }"""
    )
    assert place(page) == "raw.jsonl:1"
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    cdp.send("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
    page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}))"
    )
    cdp.send("Input.insertText", {"text": "你好"})
    assert page.input_value("textarea.edit >> nth=1").endswith("你好")
    assert place(page) == "raw.jsonl:1"
    assert said(held) == []


def test_a_cut_network_loses_nothing(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("a")
    wait_saved(page)
    with offline(page):
        for key in "rfa":
            page.keyboard.press(key)
        page.wait_for_selector("#saved:has-text('3 not saved yet')")
        assert len(said(held)) == 1
    wait_saved(page)
    assert [verdict for verdict, _ in said(held)] == ["accept", "reject", "flag", "accept"]
    assert len({id_ for _, id_ in said(held)}) == 4


def test_the_outbox_survives_a_reload(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.route("**/api/review/decide", lambda route: route.fulfill(status=503, json={"error": "later"}))
    page.watch.offline = True
    page.keyboard.press("a")
    page.keyboard.press("r")
    page.wait_for_selector("#saved:has-text('2 not saved yet')")
    page.unroute("**/api/review/decide")
    page.reload()
    wait_saved(page)
    page.wait_for_selector("#where:has-text('raw.jsonl:3')")
    assert [verdict for verdict, _ in said(held)] == ["accept", "reject"]


def test_an_answer_that_got_lost_on_the_way_is_no_second_decision(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.watch.offline = True
    lost = []

    def swallow(route):
        route.fetch()
        lost.append(1)
        route.abort()

    page.route("**/api/review/decide", swallow, times=1)
    page.keyboard.press("a")
    page.wait_for_selector("#saved:has-text('1 not saved yet')")
    wait_saved(page)
    assert lost == [1]
    assert len(said(held)) == 1


def test_a_full_storage_loses_no_decision(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    with offline(page):
        page.keyboard.press("4")
        page.keyboard.press("a")
        page.keyboard.press("r")
        page.wait_for_selector("#saved:has-text('2 not saved yet')")
    wait_saved(page)
    assert [verdict for verdict, _ in said(held)] == ["accept", "reject"]
    assert next(read_log(held.decisions))["scores"] == {"harmless": 4}


def test_drafts_survive_leaving_and_a_reload(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("4")
    page.keyboard.press("e")
    page.keyboard.type("写到一半")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.inner_text(".turn.assistant ins") == "写到一半"
    page.reload()
    page.wait_for_selector(".turn.assistant ins >> text=写到一半")
    assert (
        page.get_attribute("[data-act=score][data-score=harmless][data-value='4']", "aria-pressed") == "true"
    )
    page.keyboard.press("d")
    assert page.locator("ins").count() == 0
    assert said(held) == []


def test_undo_takes_decisions_back_one_by_one_also_after_a_reload(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("5")
    page.keyboard.press("a")
    page.keyboard.press("r")
    page.keyboard.press("u")
    assert place(page) == "raw.jsonl:2"
    wait_saved(page)
    page.reload()
    page.wait_for_selector("#where:has-text('raw.jsonl:2')")
    page.keyboard.press("u")
    page.wait_for_selector("#where:has-text('raw.jsonl:1')")
    assert (
        page.get_attribute("[data-act=score][data-score=harmless][data-value='5']", "aria-pressed") == "true"
    )
    wait_saved(page)
    assert standing(held.decisions) == []
    assert len(said(held)) == 4
    page.keyboard.press("u")
    page.wait_for_selector("#saved:has-text('nothing to take back')")


def test_going_back_and_deciding_anew(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    page.keyboard.press("a")
    page.keyboard.press("k")
    assert page.inner_text("#where .tag") == "accepted"
    page.keyboard.press("r")
    assert place(page) == "raw.jsonl:2"
    wait_saved(page)
    first, second = said(held)
    assert (first[0], second[0], first[1] == second[1]) == ("accept", "reject", True)


def test_two_people_at_once_share_the_work_and_overwrite_nothing(studio, opened, held):
    url = studio(held.path)
    one, two = sit_down(opened, url, "小李"), sit_down(opened, url, "小王")
    one.reload()
    one.wait_for_selector("#talk .turn")
    for _ in range(6):
        one.keyboard.press("a")
        two.keyboard.press("r")
    for page in (one, two):
        wait_saved(page)
    events = list(read_log(held.decisions))
    by_person = {p: {e["sample_id"] for e in events if e["person"] == p} for p in ("小李", "小王")}
    assert [len(ids) for ids in by_person.values()] == [6, 6]
    assert by_person["小李"].isdisjoint(by_person["小王"])
    again = opened(url, "/review")
    again.fill("#name", "小张")
    again.keyboard.press("Enter")
    again.wait_for_selector("#empty:not([hidden])")


def test_two_answers_a_sample_are_asked_of_two_people(studio, opened, held):
    url = studio(held.path)
    for person in ("小李", "小王"):
        page = sit_down(opened, url, person, "/review?wanted=2")
        for _ in range(12):
            page.keyboard.press("a")
        wait_saved(page)
    page = opened(url, "/review?wanted=2")
    page.fill("#name", "小张")
    page.keyboard.press("Enter")
    page.wait_for_selector("#empty:not([hidden])")
    assert len(said(held)) == 24


def test_a_disagreement_is_settled_over_both_answers(studio, opened, held):
    url = studio(held.path)
    one = sit_down(opened, url, "小李", "/review?wanted=2")
    one.keyboard.press("a")
    two = sit_down(opened, url, "小王", "/review?wanted=2")
    two.keyboard.press("e")
    two.keyboard.type("加一句。")
    two.keyboard.press("Control+Enter")
    for page in (one, two):
        wait_saved(page)
    judge = sit_down(opened, url, "组长", "/review?queue=disputed")
    assert judge.locator("#versions .sample").count() == 2
    assert judge.inner_text("#versions > .diff ins") == "加一句。"
    judge.keyboard.press("2")
    wait_saved(judge)
    last = list(read_log(held.decisions))[-1]
    assert (last["verdict"], last["adjudicates"], last["person"]) == ("edit", True, "组长")
    assert last["messages"][1]["content"].endswith("加一句。")
    judge.wait_for_selector("#empty:not([hidden])")


def judged(folder):
    """Let a judge have held every sample, for a telling reason."""
    lines = [json.loads(line) for line in folder.door("held").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["step"], line["reason"] = "annotate.judge", "not_helpful"
        line["sample"]["signals"] = {
            "harmless": "pass", "honest": "pass", "helpful": "fail", "judge": "严格的评委", "judge_reasons": {"helpful": "答非所问"},
        }  # fmt: skip
    write_jsonl(folder.door("held"), lines)


def test_a_blind_page_tells_nothing_of_the_judge_or_of_others(studio, opened, held):
    judged(held)
    url = studio(held.path)
    open_page = sit_down(opened, url, "小王", "/review?wanted=2")
    assert "答非所问" in open_page.inner_text("#judge")
    open_page.keyboard.press("n")
    open_page.keyboard.type("我的意见")
    open_page.keyboard.press("Escape")
    open_page.keyboard.press("r")
    wait_saved(open_page)
    heard = []
    page = opened(url, "/")
    page.on("response", lambda answer: heard.append(answer))
    page.goto("/review?wanted=2&blind=1")
    page.fill("#name", "小李")
    page.keyboard.press("Enter")
    page.wait_for_selector("#talk .turn")
    bodies = [
        answer.text() for answer in heard if answer.url.startswith(url) and "/static/" not in answer.url
    ]
    assert len(bodies) >= 2
    for secret in ("答非所问", "严格的评委", "not_helpful", "我的意见", "小王", '"fail"', "annotate.judge"):
        assert not any(secret in body.replace('"fail": "fail"', "") for body in bodies), secret
    for key in ("2", "4", "5", "a"):
        page.keyboard.press(key)
    wait_saved(page)
    last = list(read_log(held.decisions))[-1]
    assert (last["blind"], last["step"]) == (True, "annotate.judge")
    assert "blind" not in next(read_log(held.decisions))


def test_blind_votes_give_agreement_in_words(studio, opened, held):
    url = studio(held.path)
    for person, marks in (("小李", "123451"), ("小王", "123452")):
        page = sit_down(opened, url, person, "/review?wanted=2&blind=1")
        for mark in marks:
            page.keyboard.press("c")
            page.keyboard.press(mark)
            page.keyboard.press("a")
        wait_saved(page)
    page.goto("/review/team?wanted=2")
    told = page.inner_text("main")
    assert "people agree: rely on it" in told
    assert "every vote is the same" in page.locator("tr:has-text('verdict')").inner_text()
    assert page.locator("tr:has-text('小王')").count() == 1


def test_decisions_go_out_and_come_back_in(studio, opened, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first, second = held_run(one), held_run(two)
    page = sit_down(opened, studio(first.path))
    for key in "arf":
        page.keyboard.press(key)
    wait_saved(page)
    page.goto("/review/team")
    for name, kind in (("decisions.jsonl", "tilth"), ("labelllm-decisions.jsonl", "labelllm")):
        with page.expect_download() as download:
            page.click(f"a:text-is('{name}')")
        download.value.save_as(tmp_path / name)
        other = opened(studio(second.path), "/review/team")
        other.set_input_files(f"input[data-kind={kind}]", tmp_path / name)
        other.wait_for_selector("#taken:has-text('3 decisions read')")
        assert second.decisions.read_bytes() == first.decisions.read_bytes()
    (tmp_path / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    other.watch.offline = True
    other.set_input_files("input[data-kind=tilth]", tmp_path / "bad.jsonl")
    other.wait_for_selector("#taken:has-text('line 1')")


PROPOSING = """name: proposing
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - normalize.dates: {style: zh}
  to: openai
"""


def test_a_proposal_is_taken_with_a_key(studio, opened, tmp_path):
    date = {
        "instruction": "什么时候？",
        "input": "",
        "output": "写于03/04/2024，说不清是几月。",
        "domain": ["常识"],
    }
    folder = small_run(tmp_path, 2, PROPOSING, (date,))
    page = sit_down(opened, studio(folder.path), path="/review?queue=proposals")
    assert page.inner_text("#offer ins") in ("2024年3月4日", "年3月4日", "2024年4月3日")
    page.keyboard.press("a")
    wait_saved(page)
    event = next(read_log(folder.decisions))
    assert (event["verdict"], event["step"], event["proposal"]["field"]) == (
        "accept",
        "normalize.dates",
        "answer",
    )
    assert event["proposal"]["before"] == date["output"]
    page.reload()
    page.wait_for_selector("#empty:not([hidden]) >> text=This queue is done.")


def test_texts_stay_texts(studio, opened, tmp_path):
    evil = {"instruction": f"问{EVIL}", "input": "", "output": f"答{EVIL}", "domain": [EVIL]}
    folder = held_run(tmp_path, 0, (evil,))
    page = sit_down(opened, studio(folder.path), person=EVIL[:60])
    assert page.inner_text("#talk .turn.user .say") == f"问{EVIL}"
    page.keyboard.press("e")
    page.keyboard.type(EVIL)
    page.keyboard.press("Control+Enter")
    wait_saved(page)
    page.keyboard.press("k")
    assert page.locator("main img").count() == 0
    assert page.locator("main script[src='x']").count() == 0
    assert "坏" not in page.title()
    assert next(read_log(folder.decisions))["messages"][1]["content"].endswith(EVIL)


def test_every_button_carries_its_key(studio, opened, held):
    page = sit_down(opened, studio(held.path))
    for button in page.locator(".actions button").all():
        shortcut = button.get_attribute("aria-keyshortcuts")
        printed = button.locator("kbd").text_content()
        assert shortcut.replace("Control+", "Ctrl ").replace("Escape", "Esc") == printed
    page.keyboard.press("?")
    assert set("aerfujkzxcnd?012345") < set(page.locator("#help kbd").all_inner_texts())
    page.keyboard.press("?")
    assert page.locator("#help[open]").count() == 0


def test_a_narrow_window_holds_the_desk(studio, opened, held):
    page = sit_down(opened, studio(held.path), viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.click("[data-act=accept]")
    wait_saved(page)
    assert len(said(held)) == 1
