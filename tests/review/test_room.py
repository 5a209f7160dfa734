"""The review room: queues, whose turn it is, what is settled. All of it follows from the log alone."""

from __future__ import annotations

import json

import pytest

from tests.browser.runs import held_run, records, small_run
from tilth.errors import FolderError
from tilth.formats import openai
from tilth.review.room import Room, Wish
from tilth.store.chats import keep
from tilth.store.decisions import append, event, standing
from tilth.store.files import read_jsonl, write_jsonl


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    return held_run(tmp_path_factory.mktemp("held"), 10)


@pytest.fixture
def room(held, tmp_path):
    """A room over a copy of the run in which nobody decided anything."""
    import shutil

    from tilth.store.folder import RunFolder

    shutil.copytree(held.path, tmp_path / "run")
    return Room(RunFolder(tmp_path / "run"))


def say(room, case, person, verdict="accept", **more):
    cases, _ = room.refresh()
    new = {**event(case.id, verdict, content_hash=cases.content(case), **more), "person": person}
    assert room.take([new]) == 1
    return new


def places(cases):
    return [int(case.place.rpartition(":")[2]) for case in cases]


def test_one_person_gets_all_in_source_order(room):
    assert places(room.next(Wish(), "小李", limit=99)) == list(range(1, 11))
    assert places(room.next(Wish(), "小李", limit=3)) == [1, 2, 3]


def test_what_a_page_has_and_what_a_person_decided_does_not_come_again(room):
    first, second, third, *_ = room.next(Wish(), "小李")
    say(room, second, "小李")
    assert places(room.next(Wish(), "小李", have=[first.key], limit=1)) == [3]
    assert third.place.endswith(":3")


def test_two_people_begin_apart_and_help_each_other_out(room):
    room.next(Wish(), "小王")
    mine, others = places(room.next(Wish(), "小李", limit=99)), places(room.next(Wish(), "小王", limit=99))
    assert sorted(mine) == sorted(others) == list(range(1, 11))
    assert set(mine[:5]).isdisjoint(others[:5])


def test_nobody_is_asked_for_more_answers_than_wanted(room):
    first = room.next(Wish(wanted=2), "甲")[0]
    for person in ("甲", "乙"):
        assert first.key in [c.key for c in room.next(Wish(wanted=2), person)]
        say(room, first, person)
    for person in ("甲", "乙", "丙"):
        assert first.key not in [c.key for c in room.next(Wish(wanted=2), person)]
    assert first.key in [c.key for c in room.next(Wish(wanted=3), "丙")]


def test_a_step_says_how_many_people_it_asks(room, tmp_path):
    (tmp_path / "two").mkdir()
    assert room.wanted() == 1
    assert Room(held_run(tmp_path / "two", 2, answers=2)).wanted() == 2


def test_counts_say_how_far_a_queue_is(room):
    first, second, *_ = room.next(Wish(wanted=2), "甲")
    say(room, first, "甲")
    say(room, first, "乙")
    say(room, second, "甲")
    count = room.count(Wish(wanted=2), "甲")
    assert (count.samples, count.decided, count.mine, count.left) == (10, 1, 2, 8)
    assert room.count(Wish(wanted=2), "甲", without=[second.key]).mine == 1


def test_an_undone_decision_asks_again(room):
    first = room.next(Wish(), "甲")[0]
    said = say(room, first, "甲", "reject")
    room.take([{**event(first.id, "undo", undoes=said["event_id"]), "person": "甲"}])
    assert room.next(Wish(), "甲")[0] == first
    assert standing(room._folder.decisions) == []


def test_a_decision_about_another_text_does_not_count(room):
    first = room.next(Wish(), "甲")[0]
    room.take([{**event(first.id, "accept", content_hash="0" * 16), "person": "甲"}])
    assert room.next(Wish(), "甲")[0] == first
    _, board = room.refresh()
    assert len(board.stale(first)) == 1


def test_people_who_disagree_are_settled_by_a_third(room):
    first, second, *_ = room.next(Wish(), "甲")
    say(room, first, "甲", "accept")
    say(room, first, "乙", "reject")
    say(room, second, "甲", "flag")
    disputed, flagged = Wish("disputed"), Wish("flagged")
    assert [c.key for c in room.next(disputed, "甲")] == [first.key]
    assert [c.key for c in room.next(flagged, "丙")] == [second.key]
    say(room, first, "丙", "accept", adjudicates=True)
    assert room.next(disputed, "甲") == []
    count = room.count(disputed, "甲")
    assert (count.samples, count.decided, count.left) == (1, 1, 0)


def test_equal_edits_are_no_disagreement_and_different_ones_are(room):
    first, second, *_ = room.next(Wish(), "甲")
    text = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]
    other = [text[0], {**text[1], "content": "不"}]
    for person, case, messages in (
        ("甲", first, text),
        ("乙", first, text),
        ("甲", second, text),
        ("乙", second, other),
    ):
        say(room, case, person, "edit", messages=messages)
    assert [c.key for c in room.queue(Wish("disputed"))] == [second.key]


def test_equal_records_are_asked_about_once(tmp_path):
    folder = held_run(tmp_path, 2, tuple(records(1)))
    found = Room(folder).queue(Wish())
    assert places(found) == [1, 2]
    assert [case.copies for case in found] == [2, 1]


def test_decisions_of_another_process_are_seen(room):
    first = room.next(Wish(), "甲")[0]
    append(room._folder.decisions, [{**event(first.id, "accept"), "person": "甲"}])
    assert room.next(Wish(), "甲")[0] != first


def test_a_run_made_anew_is_seen(room):
    assert len(room.queue(Wish())) == 10
    path = room._folder.door("held")
    write_jsonl(path, list(read_jsonl(path))[:4])
    room._folder.run_json.write_text(
        json.dumps({**room._folder.read_run(), "status": "waiting"}), encoding="utf-8"
    )
    assert len(room.queue(Wish())) == 4


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    date = {
        "instruction": "什么时候？",
        "input": "",
        "output": "写于03/04/2024，说不清是几月。",
        "domain": ["常识"],
    }
    folder = small_run(tmp_path_factory.mktemp("kept"), 60, more=(date,))
    ids = [line["id"] for line in read_jsonl(folder.index)]
    write_jsonl(
        folder.report / "worklist.jsonl",
        [{"topic": "桥", "questions": 2}, {"id": ids[5]}, {"id": "gone"}, {"id": ids[2]}],
    )
    return folder


def test_a_spot_check_is_a_fixed_random_share(kept):
    room = Room(kept)
    drawn = room.queue(Wish("spot", share=0.2, seed=7))
    assert 4 <= len(drawn) <= 22
    assert drawn == room.queue(Wish("spot", share=0.2, seed=7))
    assert drawn != room.queue(Wish("spot", share=0.2, seed=8))
    wider = {case.key for case in room.queue(Wish("spot", share=0.5, seed=7))}
    assert {case.key for case in drawn} < wider


def test_proposals_are_cases_of_their_own(kept):
    room = Room(kept)
    case, other = room.queue(Wish("proposals"))
    cases, _ = room.refresh()
    assert case.proposal["step"] == "normalize.dates"
    assert case.proposal["before"] in cases.sample(case).answer
    assert (case.id, case.key != other.key) == (other.id, True)
    assert room.count(Wish("proposals")).left == 2


def test_one_reading_taken_answers_the_others(kept, tmp_path):
    import shutil

    from tilth.store.folder import RunFolder

    shutil.copytree(kept.path, tmp_path / "run")
    room = Room(RunFolder(tmp_path / "run"))
    case, other = room.queue(Wish("proposals"))
    say(room, case, "甲", "reject", proposal=dict(case.proposal))
    assert room.next(Wish("proposals"), "甲") == [other]
    say(room, case, "甲", "accept", proposal=dict(case.proposal))
    assert room.next(Wish("proposals"), "甲") == []


def judged(room, n, **signals):
    """Let a judge have said something about the n-th held sample."""
    path = room._folder.door("held")
    lines = list(read_jsonl(path))
    lines[n]["sample"]["signals"] = signals
    write_jsonl(path, lines)


def test_a_judge_in_doubt_or_against_people_asks_for_more(room):
    judged(room, 0, harmless="pass", helpful="fail", judge_reasons={"helpful": "跑题"})
    judged(room, 1, harmless="pass", helpful="pass")
    judged(room, 2, harmless="pass", helpful="pass")
    first, second, third, *_ = room.next(Wish(), "甲")
    judges = Wish("judges")
    assert [c.key for c in room.next(judges, "甲")] == [first.key]
    say(room, second, "甲", "reject")
    say(room, third, "甲", "accept")
    assert [c.key for c in room.next(judges, "甲")] == [first.key]
    assert [c.key for c in room.next(judges, "乙")] == [first.key, second.key]
    say(room, second, "乙", "accept")
    assert [c.key for c in room.next(judges, "丙")] == [first.key]


def test_the_work_list_of_the_comparison_keeps_its_order(kept):
    assert places(Room(kept).queue(Wish("worklist"))) == [6, 3]


def test_a_queue_can_be_narrowed(kept, room):
    assert {case.split for case in Room(kept).queue(Wish("kept", split="test"))} == {"test"}
    assert room.queue(Wish(step="nowhere")) == []
    assert len(room.queue(Wish(reason="waiting_for_person"))) == 10


def talk(n):
    said = [("user", f"第{n}只猫为什么不排队？"), ("assistant", f"第{n}只猫觉得自己就是队伍。")]
    return [{"role": role, "content": text} for role, text in said]


def test_conversations_from_the_chat_are_a_queue_and_the_accepted_ones_a_file(held, room):
    chat = Wish("chats")
    folder = room._folder
    assert (room.queue(chat), room.count(chat).samples) == ([], 0)
    for n in range(4):
        keep(folder.chats, {"event_id": f"{n}", "messages": talk(n), "said_by": "tuned", "kept_by": "li"})
    first, second, third, fourth = room.next(chat, "小李")
    edited = [*talk(1)[:1], {"role": "assistant", "content": "它不着急。"}]
    say(room, first, "小李")
    say(room, second, "小李", "edit", messages=edited)
    say(room, third, "小李", "reject")
    assert room.next(chat, "小李") == [fourth]
    rows = list(read_jsonl(folder.chats_accepted))
    assert [row["messages"] for row in rows] == [talk(0), edited]
    assert rows[0] == {
        "messages": talk(0), "event_id": "0", "said_by": "tuned", "kept_by": "li", "reviewed_by": ["小李"],
    }  # fmt: skip
    say(room, first, "小王", "reject")
    assert room.queue(Wish("disputed")) == [first]
    assert [row["messages"] for row in read_jsonl(folder.chats_accepted)] == [edited]
    samples = [openai.read(row, "0", "x:1") for row in read_jsonl(folder.chats_accepted)]
    assert [sample.answer for sample in samples] == ["它不着急。"]


def test_a_conversation_kept_while_the_room_is_open_is_asked_about(room):
    keep(room._folder.chats, {"event_id": "0", "messages": talk(0)})
    assert room.count(Wish("chats")).left == 1
    keep(room._folder.chats, {"event_id": "1", "messages": talk(1)})
    assert room.count(Wish("chats")).left == 2


def test_a_line_that_is_no_conversation_is_named(room):
    keep(room._folder.chats, {"event_id": "0", "messages": talk(0)})
    keep(room._folder.chats, {"event_id": "1", "messages": "喵"})
    with pytest.raises(FolderError, match=r"chats\.jsonl:2 is no conversation"):
        room.queue(Wish("chats"))
