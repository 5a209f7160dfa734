"""Where the review stands is a fold over the log: the last word counts, an undone one does not."""

from __future__ import annotations

from tilth.review.state import Throughput, latest, progress, throughput
from tilth.store.decisions import append, event, standing


def decision(sample_id, person, verdict, **more):
    return {**event(sample_id, verdict, **more), "person": person}


def test_the_last_decision_of_each_person_stands():
    events = [
        decision("a", "小李", "reject"),
        decision("a", "小王", "accept"),
        decision("a", "小李", "edit"),
        decision("a", "小李", "restore"),
    ]
    said = {key: e["verdict"] for key, e in latest(events).items()}
    assert said == {("a", "小李"): "edit", ("a", "小王"): "accept"}


def test_an_undone_decision_gives_way_to_the_one_before(tmp_path):
    log = tmp_path / "decisions.jsonl"
    first, second = decision("a", "小李", "accept"), decision("a", "小李", "reject")
    append(log, [first, second, decision("a", "小李", "undo", undoes=second["event_id"])])
    assert latest(standing(log)) == {("a", "小李"): first}


def test_progress_counts_samples_that_enough_people_decided():
    events = [
        decision("a", "小李", "accept"),
        decision("a", "小王", "reject"),
        decision("b", "小李", "accept"),
        decision("elsewhere", "小李", "accept"),
    ]
    one, two = progress(events, ["a", "b", "c"]), progress(events, ["a", "b", "c"], wanted=2)
    assert (one.samples, one.decided, two.decided) == (3, 2, 1)
    assert one.verdicts == {"accept": 2, "reject": 1}
    assert one.disputed == ("a",)


def test_throughput_counts_time_on_screen():
    events = [
        decision("a", "小李", "accept", ms=10_000),
        decision("b", "小李", "accept", ms=20_000),
        decision("c", "小李", "reject", ms=60_000),
        decision("a", "小王", "accept"),
    ]
    assert throughput(events) == {"小李": Throughput(3, 20_000, 120.0), "小王": Throughput(1, None, None)}
