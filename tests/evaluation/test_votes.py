import dataclasses
import json

import pytest

from tests.evaluation.pieces import question
from tilth.errors import FolderError, NotFoundError, UserError
from tilth.evaluation.studies import Reader, compare_answers
from tilth.evaluation.verdicts import tally
from tilth.evaluation.votes import (
    Pairing,
    cast,
    make_booth,
    next_ballot,
    open_booth,
    progress,
    take_back,
    verdicts,
)
from tilth.store.files import read_jsonl, write_jsonl
from tilth.store.folder import RunFolder

SAME = 3


def booth(folder, n=40, seed=42):
    """Pairs in which the tuned model's answer begins with 新; every tenth pair holds equal answers."""
    texts = [("一样", "一样") if k % 10 == SAME else (f"旧{k}", f"新{k}") for k in range(n)]
    pairs = [Pairing(question(k, f"第{k}题"), *both) for k, both in enumerate(texts)]
    return make_booth(pairs, seed, folder / "votes.jsonl")


def vote_all(where, who, choose):
    while (ballot := next_ballot(where, who)) is not None:
        cast(where, ballot.item, choose(ballot), who=who)


def test_a_ballot_tells_nobody_whose_answer_is_whose(tmp_path):
    where = booth(tmp_path)
    ballots = [where.ballot(item) for item in where.pairs]
    assert {field.name for field in dataclasses.fields(ballots[0])} == {"item", "question", "left", "right"}
    left = sum(ballot.left.startswith("新") for ballot in ballots)
    assert 10 <= left <= 26
    turned = make_booth(
        [Pairing(p.question, p.after, p.before) for p in where.pairs.values()], 42, tmp_path / "v"
    )
    assert list(turned.pairs) == list(where.pairs)


def test_a_reload_keeps_order_and_sides_and_another_seed_does_not(tmp_path):
    shown = [booth(tmp_path).ballot(item) for item in booth(tmp_path).pairs]
    again = [booth(tmp_path).ballot(item) for item in booth(tmp_path).pairs]
    other = booth(tmp_path, seed=7)
    assert shown == again
    assert [other.ballot(item) for item in other.pairs] != shown
    assert next_ballot(booth(tmp_path), "甲") == next_ballot(booth(tmp_path), "甲")


def test_who_always_finds_the_new_answer_better_is_counted_right(tmp_path):
    where = booth(tmp_path)
    vote_all(where, "甲", lambda ballot: "left" if ballot.left.startswith("新") else "right")
    counted = tally(verdicts(where))
    assert (counted.wins, counted.losses, counted.ties) == (36, 0, 4)
    assert progress(where, "甲").mine == progress(where, "甲").pairs == 36
    assert next_ballot(where, "甲") is None
    assert next_ballot(where, "乙") is not None


def test_who_always_says_left_decides_nothing(tmp_path):
    where = booth(tmp_path)
    vote_all(where, "甲", lambda ballot: "left")
    assert tally(verdicts(where)).distinguishable is False


def test_equal_answers_are_ties_of_the_part_that_was_voted_on(tmp_path):
    where = booth(tmp_path)
    assert verdicts(where) == []
    order = list(where.pairs.values())
    first = next(k for k, pair in enumerate(order) if pair.before == pair.after)
    for pair in order[:first]:
        cast(where, pair.item, "both_bad", who="甲")
    assert len(verdicts(where)) == first
    cast(where, order[first + 1].item, "both_good", who="甲")
    found = verdicts(where)
    assert len(found) == first + 2
    assert [v.by for v in found].count("tilth") == 1
    assert [v.both_bad for v in found].count(True) == first


def test_votes_are_undone_one_by_one_and_the_log_only_grows(tmp_path):
    where = booth(tmp_path)
    first, second = list(where.pairs)[:2]
    cast(where, first, "left", who="甲")
    cast(where, second, "left", who="乙")
    assert take_back(where, "甲").item == first
    assert take_back(where, "甲") is None
    assert [v.by for v in verdicts(where)] == ["乙"]
    assert len(list(read_jsonl(where.file))) == 3


def test_a_second_vote_replaces_the_first_and_a_resent_one_counts_once(tmp_path):
    where = booth(tmp_path)
    item = next_ballot(where, "甲").item
    cast(where, item, "left", who="甲", event_id="e1")
    cast(where, item, "left", who="甲", event_id="e1")
    cast(where, item, "both_bad", who="甲", event_id="e2", note="都没答到点上", ms=900)
    assert len(list(read_jsonl(where.file))) == 2
    (found,) = verdicts(where)
    assert (found.winner, found.reason, found.both_bad) == ("tie", "都没答到点上", True)


def test_pairs_with_enough_votes_go_to_nobody_else(tmp_path):
    where = booth(tmp_path)
    first = next_ballot(where, "甲").item
    cast(where, first, "left", who="甲")
    assert next_ballot(where, "乙").item == first
    assert next_ballot(where, "乙", each=1).item != first
    assert next_ballot(where, "乙", skip=[first]).item != first


def test_what_is_no_pair_and_no_choice(tmp_path):
    where = booth(tmp_path)
    with pytest.raises(NotFoundError, match="not there any more"):
        cast(where, "0" * 16, "left")
    with pytest.raises(UserError, match="both_good"):
        cast(where, next(iter(where.pairs)), "best")
    with pytest.raises(FolderError, match="holds no comparison"):
        open_booth(RunFolder(tmp_path))


def answers_file(folder, after):
    path = folder / "answers.jsonl"
    rows = [{"question": f"第{n}题", "before": "旧", "after": f"{after}{n}"} for n in range(6)]
    write_jsonl(path, rows)
    return path


def test_votes_on_answers_that_have_changed_do_not_count(tmp_path):
    run = RunFolder(tmp_path / "out")
    compare_answers(answers_file(tmp_path, "新"), run.path, reader=Reader("en"))
    where = open_booth(run)
    vote_all(where, "甲", lambda ballot: "left")
    assert len(verdicts(where)) == 6
    compare_answers(answers_file(tmp_path, "更新"), run.path, reader=Reader("en"))
    assert verdicts(open_booth(run)) == []
    compare_answers(answers_file(tmp_path, "新"), run.path, reader=Reader("en"))
    assert len(verdicts(open_booth(run))) == 6


def test_the_protocol_is_read_back_as_it_was_written(run, tmp_path):
    from tilth.evaluation.protocol import Protocol

    found = compare_answers(answers_file(tmp_path, "新"), tmp_path / "out", reader=Reader("en"))
    text = (tmp_path / "out" / "report" / "protocol.json").read_text("utf-8")
    assert Protocol.from_dict(json.loads(text)) == found.protocol
