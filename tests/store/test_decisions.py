"""What people decided about a sample, all decisions together."""

from __future__ import annotations

import pytest

from tilth.sample import Message, Sample, Settled
from tilth.store.decisions import by_sample, content_hash, settle

SAMPLE = Sample("a" * 16, "a.jsonl:1", (Message("user", "水是湿的吗？"), Message("assistant", "是。")))
HASH = content_hash(SAMPLE)
EDITED = [{"role": "user", "content": "水是湿的吗？"}, {"role": "assistant", "content": "水本身不湿。"}]


def said(verdict, person="甲", **more):
    return {
        "event_id": "e",
        "sample_id": SAMPLE.id,
        "content_hash": HASH,
        "person": person,
        "verdict": verdict,
        **more,
    }


@pytest.mark.parametrize(
    ("events", "answers", "state"),
    [
        ([], 1, "waiting"),
        ([said("accept")], 1, "accepted"),
        ([said("reject")], 1, "rejected"),
        ([said("flag")], 1, "flagged"),
        ([said("accept"), said("reject")], 1, "rejected"),
        ([said("accept")], 2, "waiting"),
        ([said("accept"), said("accept")], 2, "waiting"),
        ([said("accept"), said("accept", "乙")], 2, "accepted"),
        ([said("accept"), said("reject", "乙")], 1, "disputed"),
        ([said("accept"), said("reject", "乙")], 2, "disputed"),
        ([said("accept"), said("reject", "乙"), said("reject", "丙", adjudicates=True)], 2, "rejected"),
        ([said("accept"), said("reject", "乙"), said("reject")], 2, "rejected"),
        ([said("edit", messages=EDITED)], 1, "edited"),
        ([said("edit", messages=EDITED), said("edit", "乙", messages=EDITED)], 2, "edited"),
        ([said("edit", messages=EDITED), said("edit", "乙", messages=EDITED[:1])], 2, "disputed"),
        ([said("accept", content_hash="another")], 1, "stale"),
        ([said("accept", content_hash="another"), said("accept")], 1, "accepted"),
        ([said("accept", content_hash="")], 1, "accepted"),
        ([said("accept", proposal={"field": "answer"})], 1, "waiting"),
        ([said("restore")], 1, "waiting"),
    ],
)
def test_the_state_follows_from_all_decisions(events, answers, state):
    assert settle(events, HASH, answers).state == state


def test_an_edit_brings_its_messages_and_everyone_is_named():
    found = settle(
        [
            said("edit", messages=EDITED, scores={"helpful": 4}),
            said("edit", "乙", messages=EDITED, note="对"),
        ],
        HASH,
        2,
    )
    messages = (SAMPLE.messages[0], Message("assistant", "水本身不湿。"))
    assert found == Settled("edited", messages, ("甲", "乙"), {}, "对")


def test_the_hash_is_of_what_is_shown():
    assert content_hash(SAMPLE.replace(id="b" * 16, signals={"n": 1}, split="test")) == HASH
    assert content_hash(SAMPLE.replace(messages=SAMPLE.messages[:1])) != HASH
    assert content_hash(SAMPLE.replace(rejected=SAMPLE.messages)) != HASH


def test_decisions_are_found_by_sample():
    events = [said("accept"), said("restore"), {**said("flag"), "sample_id": "b"}]
    assert {key: len(found) for key, found in by_sample(events).items()} == {SAMPLE.id: 1, "b": 1}
