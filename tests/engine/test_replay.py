"""`explain`: the whole life of one sample, and what it says when the source is no longer what it was."""

from __future__ import annotations

import pytest

from tests.engine.conftest import QUESTIONS, lines, record
from tilth.engine import explain, restore, run
from tilth.errors import FolderError, NotFoundError

STEPS = """
- clean.strip_html
- filter.length: {field: answer, min_chars: 3}
- dedup.near
- denoise.merged_answers
- split.grouped: {train: 0.6, test: 0.4, seed: 7}
"""


@pytest.fixture
def finished(project):
    merged = record("两个答案粘在一起怎么办？", record(QUESTIONS[0])["output"] * 2 + "其实应该拆开来回答。")
    rows = [
        *map(record, QUESTIONS),
        record("网页里抄来的答案？", "<p>要先把标签去掉。</p>"),
        record("太短了吗？", "是"),
        merged,
    ]
    rows.append(record(QUESTIONS[1] + "！", record(QUESTIONS[1])["output"]))
    p = project(lines(rows) + '{"instruction": 5}\n', STEPS, max_quarantined="0.1")
    run(p.recipe, p.out)
    return p


def steps(life: dict) -> dict:
    return {step["name"]: step for step in life["steps"]}


def test_a_change_is_shown_before_and_after(finished):
    life = explain(finished.out, "raw.jsonl:13")
    assert life["door"] == "kept"
    assert steps(life)["clean.strip_html"]["before"] == "<p>要先把标签去掉。</p>"
    assert steps(life)["clean.strip_html"]["after"] == "要先把标签去掉。"
    assert steps(life)["dedup.near"]["before"] is None
    assert life["split"] == steps(life)["split.grouped"]["evidence"]["split"]
    assert life["note"] == ""
    assert "网页里抄来的答案" in life["source"]


def test_a_drop_ends_the_story_with_its_reason(finished):
    life = explain(finished.out, "raw.jsonl:14")
    assert life["door"] == "dropped"
    assert life["steps"][-1]["name"] == "filter.length"
    assert life["steps"][-1]["reason"] == "answer_too_short"


def test_a_duplicate_names_the_kept_sample(finished):
    life = explain(finished.out, "raw.jsonl:2")
    assert life["steps"][-1]["evidence"]["same_as"] == "raw.jsonl:16"


def test_a_proposal_is_told(finished):
    life = explain(finished.out, "raw.jsonl:15")
    assert [p["step"] for p in life["proposals"]] == ["denoise.merged_answers"]
    assert "其实应该拆开来回答" in life["proposals"][0]["after"]


def test_what_could_not_be_read_is_told_too(finished):
    life = explain(finished.out, "raw.jsonl:17")
    assert life["door"] == "quarantined"
    assert "instruction" in life["steps"][0]["reason"]


def test_an_id_or_a_text_finds_the_sample(finished):
    by_text = explain(finished.out, "影子怕不怕")
    assert by_text["place"] == "raw.jsonl:3"
    assert explain(finished.out, by_text["id"])["place"] == "raw.jsonl:3"


def test_what_is_not_there_is_said(finished):
    with pytest.raises(NotFoundError, match="no sample of"):
        explain(finished.out, "raw.jsonl:99")


def test_a_restoration_is_part_of_the_story(finished):
    restore(finished.out, "raw.jsonl:14")
    run(finished.recipe, finished.out)
    life = explain(finished.out, "raw.jsonl:14")
    assert life["door"] == "kept"
    assert [event["verdict"] for event in life["decisions"]] == ["restore"]
    assert steps(life)["filter.length"]["reason"] == "restored"
    assert {step["door"] for step in life["steps"]} == {"kept"}


def test_a_changed_source_gives_stored_facts_only(finished):
    finished.raw.write_text(lines(map(record, QUESTIONS)), encoding="utf-8")
    life = explain(finished.out, "raw.jsonl:14")
    assert life["note"].startswith("Stored facts only")
    assert life["steps"][-1]["reason"] == "answer_too_short"


def test_a_vanished_source_gives_stored_facts_only(finished):
    finished.raw.unlink()
    life = explain(finished.out, "raw.jsonl:2")
    assert life["note"].startswith("Stored facts only")
    assert life["steps"][-1]["evidence"]["same_as"] == "raw.jsonl:16"


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(FolderError, match="no run folder"):
        explain(tmp_path, "x")
