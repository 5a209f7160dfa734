"""Decisions out and back in: byte for byte in our own shape, and in LabelLLM's."""

from __future__ import annotations

import json
import shutil
from uuid import UUID

import pytest

from tests.browser.runs import held_run
from tilth.errors import FormatError
from tilth.review.exchange import exported, imported
from tilth.review.labelllm import FORM, answered, decided, questionnaire, task
from tilth.review.room import Room, Wish
from tilth.store.decisions import event
from tilth.store.files import json_line, read_jsonl, write_jsonl
from tilth.store.folder import RunFolder

QUOTES = '他说：“好”\u2028—— \\ "x"'


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    folder = held_run(tmp_path_factory.mktemp("held"), 4)
    lines = list(read_jsonl(folder.door("held")))
    lines[0]["sample"]["signals"] = {
        "harmless": "pass",
        "helpful": "fail",
        "judge_reasons": {"helpful": "跑题"},
    }
    write_jsonl(folder.door("held"), lines)
    return folder


@pytest.fixture
def room(held, tmp_path):
    shutil.copytree(held.path, tmp_path / "run")
    return Room(RunFolder(tmp_path / "run"))


def events(room):
    """Every kind of decision."""
    cases, _ = room.refresh()
    first, second, third, fourth = room.queue(Wish())
    seen = {case.key: cases.content(case) for case in cases.held}
    text = [{"role": "user", "content": "问"}, {"role": "assistant", "content": QUOTES}]

    def one(case, verdict, **more):
        base = {"messages": None, "scores": None, "note": "", "ms": 900, "step": "annotate.person"}
        return {**event(case.id, verdict, content_hash=seen[case.key], **{**base, **more}), "person": "小李"}

    said = [
        one(first, "accept", scores={"helpful": 4}, note=QUOTES, blind=True),
        one(second, "edit", messages=text, ms=None),
        one(third, "reject"),
        {**one(third, "accept"), "person": "小王", "adjudicates": True},
        one(fourth, "flag"),
        event(fourth.id, "restore", place=fourth.place, step="annotate.person"),
    ]
    return [*said, event(third.id, "undo", undoes=said[2]["event_id"])]


def test_export_import_export_is_the_same_to_the_byte(room, held, tmp_path):
    room.take(events(room))
    first = exported(room.events())
    assert first == room._folder.decisions.read_bytes()
    shutil.copytree(held.path, tmp_path / "copy")
    other = Room(RunFolder(tmp_path / "copy"))
    assert other.take(imported(first.decode())) == 7
    assert exported(other.events()) == first
    assert other.take(imported(first.decode())) == 0
    assert exported(other.events()) == first


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: this is no JSON"),
        ("[]", "line 2: this is no object"),
        ('{"verdict": "perhaps"}', "line 2: this is no decision"),
        ('{"event_id": "12345678", "sample_id": "aa", "verdict": "accept", "person": " "}', "line 2.*person"),
        ('{"event_id": "12345678", "sample_id": "aa", "verdict": "undo"}', "line 2.*undoes"),
        ('{"event_id": "12345678", "sample_id": "aa", "verdict": "edit", "person": "x"}', "line 2.*messages"),
        ('{"event_id": "12345678", "sample_id": "aa", "verdict": "accept", "person": "x", "scores": {"h": 9}}', "line 2.*scores"),
        ('{"event_id": "12345678", "sample_id": "aa", "verdict": "accept", "person": "x", "note": "\\ud800"}', "line 2.*pair"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_decision_is_named(line, why):
    good = json_line({**event("aa", "accept"), "person": "小李"})
    with pytest.raises(FormatError, match=why):
        imported(good + line + "\n")


def check_import_line(line):
    """The shape that LabelLLM v1.0.6 asks of a line it imports."""
    assert {"prompt", "conversation"} <= line.keys()
    assert isinstance(line["prompt"], str)
    for name in ("questionnaire_id", "conversation_id"):
        UUID(line[name])
    for before, message in zip([None, *line["conversation"]], line["conversation"], strict=False):
        assert message["message_type"] in ("send", "receive")
        assert isinstance(message["content"], str)
        UUID(message["message_id"])
        assert message["parent_id"] == (before and before["message_id"])
    evaluation = line["reference_evaluation"]
    assert evaluation is None or set(evaluation) <= {
        "message_evaluation",
        "conversation_evaluation",
        "questionnaire_evaluation",
    }
    assert isinstance(line["custom"], dict)


def test_tasks_for_labelllm_are_prefilled_by_the_judge(room):
    cases, _ = room.refresh()
    lines = [task(case, cases) for case in room.queue(Wish())]
    for line in lines:
        check_import_line(line)
    assert lines[0]["reference_evaluation"] == {
        "conversation_evaluation": {"harmless": "pass", "helpful": "fail 跑题"}
    }
    assert lines[1]["reference_evaluation"] is None
    assert len({line["questionnaire_id"] for line in lines}) == 4


def test_the_form_has_the_shape_of_a_tool_config():
    assert {"conversation", "message"} <= FORM.keys()
    assert FORM["message"]["is_sortable"] is False
    questions = FORM["conversation"]["questions"]
    assert [q["value"] for q in questions] == ["verdict", "harmless", "honest", "helpful", "answer", "note"]
    for question in questions:
        assert {"id", "label", "value", "type"} <= question.keys()
        assert question["type"] in ("string", "enum", "array")
        for option in question.get("options", []):
            assert {"id", "label", "value"} == option.keys()
            assert isinstance(option["value"], str)


def test_decisions_come_back_from_labelllm_as_they_went(room):
    cases, board = room.refresh()
    room.take(events(room))
    known = {questionnaire(case.id): case for case in cases.held}
    standing = list(board.standing())
    assert len(standing) == 4
    for said in standing:
        line = json.loads(json_line(answered(said, cases.find(said["sample_id"]), cases)))
        check_import_line(line)
        UUID(line["data_id"])
        assert line["status"] == "completed"
        assert decided(line, cases, known) == said


def data_line(room, **evaluation):
    cases, _ = room.refresh()
    case = room.queue(Wish())[1]
    line = task(case, cases)
    said = {"conversation_evaluation": evaluation.pop("said", None), **evaluation}
    more = {"data_id": "0e9b5c3a-7a52-4c5e-9c0c-6f1f0a3a0b11", "status": "completed", "evaluation": said}
    return {**line, "custom": {}, **more}, cases, {questionnaire(c.id): c for c in cases.held}


def test_answers_given_there_become_decisions(room):
    line, cases, known = data_line(
        room, said={"verdict": "edit", "honest": "4", "answer": "云不排队。", "note": "短些"}
    )
    found = decided(line, cases, known)
    assert (found["verdict"], found["scores"], found["note"], found["person"]) == (
        "edit",
        {"honest": 4},
        "短些",
        "LabelLLM",
    )
    assert [m["content"] for m in found["messages"]][-1] == "云不排队。"
    assert found["content_hash"] == cases.content(room.queue(Wish())[1])
    assert decided(line, cases, known) == {**found, "time": decided(line, cases, known)["time"]}


def test_a_record_says_who_and_how_long(room):
    line, cases, known = data_line(room, said={"verdict": "reject"})
    record = {**line, "creator_id": "u-17", "create_time": 1_700_000_000, "submit_time": 1_700_000_012}
    for name in ("conversation", "prompt", "custom"):
        record.pop(name)
    found = decided(record, cases, known)
    assert (found["person"], found["ms"], found["time"]) == ("u-17", 12_000, "2023-11-14T22:13:32+00:00")
    assert found == decided(record, cases, known)


def test_an_invalid_questionnaire_is_a_flag_and_an_open_one_is_nothing(room):
    line, cases, known = data_line(room, questionnaire_evaluation={"is_invalid_questionnaire": True})
    assert decided(line, cases, known)["verdict"] == "flag"
    assert decided({**line, "status": "pending"}, cases, known) is None
    assert decided({**line, "evaluation": {}}, cases, known) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"questionnaire_id": "0e9b5c3a-7a52-4c5e-9c0c-6f1f0a3a0b11"}, "no sample of this run"),
        ({"evaluation": {"conversation_evaluation": {"verdict": "通过"}}}, "must be one of"),
        (
            {"evaluation": {"conversation_evaluation": {"verdict": "accept", "honest": "9"}}},
            "expected 1 to 5",
        ),
    ],
)
def test_foreign_lines_are_told_in_words(room, change, why):
    line, cases, known = data_line(room, said={"verdict": "accept"})
    with pytest.raises(FormatError, match=why):
        decided({**line, **change}, cases, known)
