"""Person steps in a run: who waits, what decisions do at the next run, and what they never touch."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tilth.engine import explain, run
from tilth.sample import Message, Sample
from tilth.store.decisions import append, content_hash, event

PERSON = "annotate.person"


class Review:
    """A run of six questions, and the people who decide about its samples."""

    def __init__(self, project, steps, rows=None):
        rows = rows or [record(q) for q in QUESTIONS[:6]]
        listed = "\n".join(f"- {json.dumps(step)}" for step in steps)
        self.made = project(lines(rows), steps=listed)
        self.run()

    def run(self):
        self.found = run(self.made.recipe, self.made.out)
        return self.found

    @property
    def held(self):
        return rows_of(self.made.out / "held.jsonl")

    @property
    def kept(self):
        return [row["messages"] for row in rows_of(self.made.out / "data/train.jsonl")]

    def say(self, n, verdict, person="甲", step=PERSON, **more):
        """Decide about the n-th sample as it stands in the source."""
        row = record(QUESTIONS[n])
        messages = (Message("user", row["instruction"]), Message("assistant", row["output"]))
        line = next(line for line in self.lines() if line["place"] == f"raw.jsonl:{n + 1}")
        sample = Sample(line["id"], line["place"], messages)
        said = event(line["id"], verdict, **{"content_hash": content_hash(sample), **more})
        said |= {"person": person} | ({} if step is None else {"step": step})
        append(self.made.out / "decisions.jsonl", [said])
        return said["event_id"]

    def lines(self):
        for name in ("held", "dropped"):
            yield from rows_of(self.made.out / f"{name}.jsonl")
        yield from rows_of(self.made.out / "data/index.jsonl")

    def edited(self, n, answer):
        return [{"role": "user", "content": QUESTIONS[n]}, {"role": "assistant", "content": answer}]


def doors(found):
    return {name: found["counts"][name] for name in ("kept", "dropped", "held")}


def test_samples_wait_until_people_decided_and_go_on_right_there(project):
    review = Review(project, [PERSON, "measure.length", "dedup.exact"])
    assert (review.found["status"], doors(review.found)) == ("waiting", {"kept": 0, "dropped": 0, "held": 6})
    assert {line["reason"] for line in review.held} == {"waiting_for_person"}
    review.say(0, "accept")
    review.say(1, "edit", messages=review.edited(1, "它不会先开口。"))
    review.say(2, "reject", note="答非所问")
    review.say(3, "flag")
    found = review.run()
    assert doors(found) == {"kept": 2, "dropped": 1, "held": 3}
    assert review.kept[1][-1]["content"] == "它不会先开口。"
    (dropped,) = rows_of(review.made.out / "dropped.jsonl")
    assert (dropped["step"], dropped["reason"]) == (PERSON, "rejected_by_person")
    assert dropped["evidence"] == {"persons": ["甲"], "note": "答非所问"}
    assert [line["reason"] for line in review.held] == ["flagged_by_persons"] + ["waiting_for_person"] * 2
    life = explain(review.made.out, "raw.jsonl:2")
    step = next(step for step in life["steps"] if step["name"] == PERSON)
    assert (step["after"], step["evidence"]["person_verdict"], life["note"]) == (
        "它不会先开口。",
        "edited",
        "",
    )
    assert [step["name"] for step in life["steps"]][-1] == "dedup.exact"
    for n in (3, 4, 5):
        review.say(n, "accept")
    found = review.run()
    assert (found["status"], doors(found)) == ("done", {"kept": 5, "dropped": 1, "held": 0})


def test_an_undo_is_an_event(project):
    review = Review(project, [PERSON])
    gone = review.say(0, "reject")
    assert doors(review.run())["dropped"] == 1
    undo = event("", "undo", undoes=gone)
    append(review.made.out / "decisions.jsonl", [undo])
    assert doors(review.run()) == {"kept": 0, "dropped": 0, "held": 6}


def test_two_persons_must_agree_or_someone_settles_it(project):
    review = Review(project, [{PERSON: {"answers": 2}}])
    assert review.held[0]["evidence"] == {"wanted": 2}
    for n, second in enumerate(("accept", "reject")):
        review.say(n, "accept")
        review.say(n, second, "乙")
    review.say(2, "accept")
    assert doors(review.run()) == {"kept": 1, "dropped": 0, "held": 5}
    assert review.held[0]["reason"] == "disputed_by_persons"
    assert review.held[0]["evidence"]["persons"] == ["甲", "乙"]
    review.say(1, "reject", "丙", adjudicates=True)
    assert doors(review.run()) == {"kept": 1, "dropped": 1, "held": 4}


def test_a_decision_about_another_text_does_not_count(project):
    review = Review(project, [PERSON])
    review.say(0, "accept")
    said = event(review.held[1]["id"], "accept", content_hash="0" * 16, step=PERSON)
    append(review.made.out / "decisions.jsonl", [said])
    found = review.run()
    assert doors(found) == {"kept": 1, "dropped": 0, "held": 5}
    assert review.held[0]["evidence"] == {"text_changed": True}


def test_only_what_nobody_verified_is_asked_and_a_share_is_the_same_in_every_run(project):
    rows = [record(q, human_verified=n < 4) for n, q in enumerate(QUESTIONS[:6])]
    assert len(Review(project, [{PERSON: {"only_unverified": True}}], rows).held) == 2
    rows = [record(q) for q in QUESTIONS]
    review = Review(project, [{PERSON: {"share": 0.5}}], rows)
    places = [line["place"] for line in review.held]
    shutil.rmtree(review.made.out)
    assert 2 <= len(places) <= 10
    assert [line["place"] for line in Review(project, [{PERSON: {"share": 0.5}}], rows).held] == places


@pytest.mark.parametrize(
    "steps", [["measure.length"], ["measure.length", {"split.grouped": {"train": 0.5, "test": 0.5}}]]
)
def test_kept_samples_that_nobody_asked_about_can_be_decided_too(project, steps):
    review = Review(project, steps)
    assert "people" not in [step["name"] for step in review.found["steps"]]
    review.say(0, "accept", step=None)
    assert "people" not in [step["name"] for step in review.run()["steps"]]
    review.say(1, "reject", step=None)
    review.say(2, "edit", step="", messages=review.edited(2, "影子从来不怕。"))
    found = review.run()
    names = [step["name"] for step in found["steps"]]
    assert names[1:3] == ["measure.length", "people"]
    assert doors(found) == {"kept": 5, "dropped": 1, "held": 0}
    assert found["status"] == "done"
    assert explain(review.made.out, "raw.jsonl:2")["door"] == "dropped"
    life = explain(review.made.out, "raw.jsonl:3")
    assert next(s for s in life["steps"] if s["name"] == "people")["after"] == "影子从来不怕。"


def test_a_proposal_is_applied_when_someone_accepts_it(project):
    rows = [record("既使下雨也去吗？", "既使下雨也去。"), record(QUESTIONS[1])]
    review = Review(project, ["denoise.spelling", "measure.length"], rows)
    (one, *more) = rows_of(review.made.out / "steps/proposals.jsonl")
    seen = {name: one[name] for name in ("field", "before", "after")}
    append(
        review.made.out / "decisions.jsonl",
        [event(one["id"], "accept", step=one["step"], proposal=seen)],
    )
    found = review.run()
    assert [step["name"] for step in found["steps"]][1:4] == [
        "denoise.spelling",
        "people@denoise.spelling",
        "measure.length",
    ]
    texts = [m["content"] for m in review.kept[0]]
    assert seen["after"] in texts
    assert len(more) == 1
    assert more[0]["before"] in texts
    rejected = [event(more[0]["id"], "reject", step=one["step"], proposal={n: more[0][n] for n in seen})]
    append(review.made.out / "decisions.jsonl", rejected)
    assert doors(review.run()) == {"kept": 2, "dropped": 0, "held": 0}


def test_a_held_sample_can_be_let_through(project):
    from tilth.engine import restore

    review = Review(project, [PERSON, "measure.length"])
    restore(review.made.out, "raw.jsonl:1")
    assert doors(review.run()) == {"kept": 1, "dropped": 0, "held": 5}


def test_the_hash_of_a_held_line_is_that_of_its_sample(project):
    review = Review(project, [PERSON])
    sample = msgspec.convert(review.held[0]["sample"], Sample)
    append(
        review.made.out / "decisions.jsonl",
        [event(sample.id, "accept", content_hash=content_hash(sample), step=PERSON)],
    )
    assert doors(review.run())["kept"] == 1
