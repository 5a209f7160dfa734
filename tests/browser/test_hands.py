"""Voting by keys, a chat that streams, a training that is watched, and the way back in the explorer."""

from __future__ import annotations

import shutil

import pytest

from tests.browser.runs import small_run
from tests.evaluation.test_local import write_adapter, write_base
from tilth.evaluation.studies import compare_answers
from tilth.models.scripted import ScriptedModel
from tilth.recipe.schema import Train
from tilth.serving.desk import Desk
from tilth.store.files import json_line, read_jsonl, write_json, write_jsonl, write_text
from tilth.store.folder import RunFolder
from tilth.studio import chat, training
from tilth.studio.chat import Speakers
from tilth.training.base import Job
from tilth.training.data import file_digest


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("hands"), 60)


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def sides(page):
    return page.locator(".ballot .say").all_inner_texts()


def test_a_blind_vote_by_keys_keeps_its_sides_over_a_reload(studio, opened, folder, tmp_path):
    rows = [{"question": f"第{n}问", "before": f"旧{n}", "after": f"新{n}"} for n in range(3)]
    write_jsonl(tmp_path / "answers.jsonl", rows)
    compare_answers(tmp_path / "answers.jsonl", folder.path)
    page = opened(studio(folder.path), "/compare")
    page.fill("[name=who]", "小李")
    page.locator("[name=who]").press("Escape")
    for voted in range(3):
        page.wait_for_selector(f"text={voted} of 3 pairs voted on")
        shown = sides(page)
        page.reload()
        assert sides(page) == shown
        page.keyboard.press("1")
        page.wait_for_selector(f"text={voted + 1} of 3 pairs voted on")
        vote = list(read_jsonl(folder.votes))[voted]
        assert vote["winner"] == ("before" if shown[0].startswith("旧") else "after")
    page.keyboard.press("u")
    page.wait_for_selector("text=2 of 3 pairs voted on")


def give_model(folder):
    """Random weights, and random changes to them, as a training leaves them."""
    write_base(folder.model / "base")
    write_adapter(folder.model / "base", folder.model / "adapter")
    data = "../data/train.jsonl", None, "../data/index.jsonl"
    digest = file_digest(folder.side("train"))
    Job(Train(base_model="tiny"), "base", "openai", *data, digest, "k").save(folder.model)
    write_json(folder.model / "done.json", {"key": "k", "kind": "adapter"})


def answered(page, side, count=1):
    """Waits until a side has answered so often."""
    page.wait_for_function(
        "([side, n]) => document.querySelectorAll(`[data-side=${side}] .assistant .say:not(.soft)`).length >= n",
        arg=[side, count],
    )
    return page.locator(f"[data-side={side}] .assistant .say").all_inner_texts()


@pytest.mark.train
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_both_models_answer_in_the_chat_and_what_is_kept_can_be_reviewed(studio, opened, folder, monkeypatch):
    give_model(folder)
    monkeypatch.setattr(chat, "TOKENS", 8)
    page = opened(studio(folder.path), "/chat")
    said = {"base": "从前的喵", "tuned": "后来的喵"}
    desks = {side: Desk(ScriptedModel({"猫？": text}, name=side)) for side, text in said.items()}
    with monkeypatch.context() as patched:
        patched.setattr(Speakers, "desk", lambda self, side: desks[side])
        page.fill("#question", "猫？")
        page.keyboard.press("Enter")
        for side, text in said.items():
            assert answered(page, side) == [text]
    for desk in desks.values():
        desk.close()
    page.locator("[data-side=tuned] .assistant button").click()
    page.wait_for_selector("[data-side=tuned] button:has-text('Saved')")
    page.fill("#question", "狗？")
    page.keyboard.press("Enter")
    # Random weights may say nothing that can be shown; that they have finished is what counts.
    page.wait_for_selector("#stop", state="hidden", timeout=120_000)
    assert page.locator(".assistant .say").count() == 4
    page.click("text=Review them")
    page.fill("#name", "小李")
    page.keyboard.press("Enter")
    page.wait_for_selector("#talk >> text=后来的喵")
    page.keyboard.press("a")
    page.wait_for_selector("#saved:has-text('all saved')")
    (row,) = read_jsonl(folder.chats_accepted)
    assert row["messages"][1]["content"] == "后来的喵"


def test_the_training_page_takes_in_each_new_step(studio, opened, folder, monkeypatch):
    monkeypatch.setattr(training, "LOOK_S", 0.05)
    log = folder.model / "log.jsonl"
    write_jsonl(log, [{"step": 1, "loss": 3.0}])
    page = opened(studio(folder.path), "/training")
    page.wait_for_selector("text=3.000 → 3.000")
    for step in (2, 3):
        with log.open("a", encoding="utf-8") as lines:
            lines.write(json_line({"step": step, "loss": 3 / step}))
        page.wait_for_selector(f"text=3.000 → {3 / step:.3f}")


def test_every_report_of_a_run_is_at_hand(studio, opened, folder):
    write_text(folder.report / "training.html", "<title>trained</title>")
    page = opened(studio(folder.path))
    page.click("text=Training report")
    page.wait_for_url("**training**")
    assert page.title() == "trained"


def test_back_leads_through_the_explorer_and_what_is_shown_can_be_reviewed(studio, opened, folder):
    page = opened(studio(folder.path), "/samples")
    whole = page.inner_text(".title p")
    page.click(".facets a:has-text('test')")
    page.wait_for_url("**split=test**")
    narrowed = page.inner_text(".title p")
    page.fill("input[name=q]", "玩笑")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    assert page.locator("mark").count() > 0
    page.go_back()
    assert (page.inner_text(".title p"), page.input_value("input[name=q]")) == (narrowed, "")
    page.go_back()
    assert page.inner_text(".title p") == whole
    page.go_forward()
    page.click("text=Review these")
    page.fill("#name", "小李")
    page.keyboard.press("Enter")
    page.wait_for_selector("#talk .turn")
    left = int(narrowed.split()[0])
    assert f"All kept {left}" not in page.inner_text(".queues")
    assert f"0 of {left} decided" in page.inner_text("#done")
