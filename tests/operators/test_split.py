from __future__ import annotations

import pickle
import random
from collections import Counter
from itertools import combinations, compress

import numpy as np
import pytest

from tilth.operators import linked as linked_module
from tilth.operators.base import Facts
from tilth.operators.similarity import leak
from tilth.operators.split import ByField, Grouped, HeadTail, leak_proof
from tilth.sample import Assign, Drop, Message, Sample

SIGNS = [chr(0x4E00 + n) for n in range(400)]


def sample(n, question, family="", **meta):
    return Sample(
        id=f"{n:016x}", place=f"a.jsonl:{n}", messages=(Message("user", question),), meta=meta, family=family
    )


def verdicts(op, samples, history=None):
    rows = np.zeros(len(samples), dtype=op.fact)
    for at, one in enumerate(samples):
        rows[at] = op.observe(one)
    by_place = {one.place: one for one in samples}
    facts = Facts(rows, [one.place for one in samples], history or {})
    return dict(op.decide(facts, by_place.__getitem__))


def split(op, samples, history=None):
    """Sample id → side."""
    found = verdicts(op, samples, history)
    assert all(isinstance(verdict, Assign) for verdict in found.values())
    return {one.id: found[one.place].split for one in samples}


@pytest.fixture(params=[30_000_000, 0], ids=["index", "minhash"])
def both_ways(request, monkeypatch):
    monkeypatch.setattr(linked_module, "EXACT_CHARACTERS", request.param)


def questions(count, seed):
    """Some questions; among them copies, near-copies and questions that hold earlier ones."""
    rng = random.Random(seed)
    texts: list[str] = []
    for n in range(count):
        text = "".join(rng.choices(SIGNS, k=rng.randint(8, 30)))
        if texts and n % 10 == 0:
            text = "请回答这个问题" + rng.choice(texts) + text
        elif texts and n % 7 == 0:
            text = rng.choice(texts) + "？"
        elif texts and n % 5 == 0:
            old = rng.choice(texts)
            at = rng.randrange(len(old))
            text = old[:at] + rng.choice(SIGNS) + old[at + 1 :]
        texts.append(text)
    return texts


def components(samples):
    group = {one.id: one.id for one in samples}
    for a, b in combinations(samples, 2):
        if a.root == b.root or leak(a.question, b.question) is not None:
            old, new = group[b.id], group[a.id]
            group = {key: new if value == old else value for key, value in group.items()}
    return group


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_question_leaks_across_sides_and_counts_are_right(seed, both_ways):
    samples = [sample(n, text) for n, text in enumerate(questions(150, seed))]
    sides = split(Grouped(train=0.6, validation=0.1, test=0.3), samples)
    for a, b in combinations(samples, 2):
        assert sides[a.id] == sides[b.id] or leak(a.question, b.question) is None
    largest = max(Counter(components(samples).values()).values())
    counts = Counter(sides.values())
    assert 2 <= largest < 15
    for side, share in (("train", 90), ("validation", 15), ("test", 45)):
        assert abs(counts[side] - share) <= largest


def test_groups_are_exactly_the_linked_questions():
    samples = [sample(n, text) for n, text in enumerate(questions(120, 9))]
    expected = components(samples)
    found = [split(Grouped(seed=seed), samples) for seed in range(40)]
    together = {(a.id, b.id): all(s[a.id] == s[b.id] for s in found) for a, b in combinations(samples, 2)}
    assert together == {pair: expected[pair[0]] == expected[pair[1]] for pair in together}


def test_single_questions_fill_the_ratios_exactly():
    samples = [sample(n, "".join(random.Random(n).choices(SIGNS, k=12))) for n in range(240)]
    assert Counter(split(Grouped(), samples).values()) == {"train": 168, "test": 72}


def test_another_seed_draws_another_split_and_the_same_seed_the_same():
    samples = [sample(n, text) for n, text in enumerate(questions(60, 4))]
    assert split(Grouped(), samples) == split(Grouped(), samples)
    assert split(Grouped(), samples) != split(Grouped(seed=43), samples)


@pytest.mark.parametrize("seed", range(5))
def test_a_family_stays_together(seed):
    rng = random.Random(seed)
    roots = [sample(n, "".join(rng.choices(SIGNS, k=12))) for n in range(40)]
    parents = rng.choices(roots, k=60)
    children = [sample(100 + n, "".join(rng.choices(SIGNS, k=12)), one.id) for n, one in enumerate(parents)]
    sides = split(Grouped(seed=seed), roots + children)
    assert [sides[one.id] for one in parents] == [sides[one.id] for one in children]
    assert abs(Counter(sides.values())["test"] - 30) <= max(Counter(one.id for one in parents).values()) + 1


def test_a_child_follows_the_old_side_of_a_root_that_is_gone():
    child = sample(7, "水里的鱼会不会口渴", family=f"{1:016x}")
    for side in ("train", "validation", "test"):
        assert split(Grouped(), [child], {f"{1:016x}": side}) == {child.id: side}


def test_samples_without_a_question_are_no_group():
    samples = [sample(n, " ") for n in range(100)]
    assert Counter(split(Grouped(), samples).values()) == {"train": 70, "test": 30}


@pytest.mark.parametrize("growth", [0.01, 0.1, 1.0])
def test_growth_moves_only_groups_that_merged(growth, both_ways):
    texts = questions(400, 6)
    samples = [sample(n, text) for n, text in enumerate(texts)]
    old = samples[:200]
    before = split(Grouped(), old)
    grown = samples[: int(200 * (1 + growth))]
    after = split(Grouped(), grown, before)
    merged = components(grown)
    rank = {"test": 0, "validation": 1, "train": 2}
    for one in old:
        sides = [before[other.id] for other in old if merged[other.id] == merged[one.id]]
        assert after[one.id] == min(sides, key=rank.__getitem__)
    largest = max(Counter(merged.values()).values())
    assert abs(Counter(after.values())["test"] - 0.3 * len(grown)) <= largest


def test_groups_that_merge_take_the_most_protected_side():
    start = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸"
    ends = [sample(1, start), sample(2, "子丑寅卯" + start[4:-4] + "辰巳午未")]
    assert leak(*(one.question for one in ends)) is None
    bridge = sample(3, "子丑寅卯" + start[4:])
    for sides, expected in [
        (("train", "test"), "test"),
        (("validation", "train"), "validation"),
        (("validation", "test"), "test"),
    ]:
        history = {one.id: side for one, side in zip(ends, sides, strict=True)}
        assert split(Grouped(), ends, history) == history
        assert set(split(Grouped(), [*ends, bridge], history).values()) == {expected}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_new_rows_does_not_matter(seed, both_ways):
    samples = [sample(n, text, kind=n % 3) for n, text in enumerate(questions(150, seed))]
    history = split(Grouped(by="kind"), samples[:50])
    new = samples[50:][::-1]
    assert split(Grouped(by="kind"), samples[:50] + new, history) == split(
        Grouped(by="kind"), samples, history
    )
    assert split(Grouped(by="kind"), samples[::-1]) == split(Grouped(by="kind"), samples)


def test_strata_are_divided_alike_and_small_ones_do_not_starve_a_side():
    rng = random.Random(5)
    kinds = ["甲"] * 60 + ["乙"] * 30 + [f"独{n}" for n in range(30)]
    samples = [sample(n, "".join(rng.choices(SIGNS, k=12)), kind=kind) for n, kind in enumerate(kinds)]
    sides = split(Grouped(by="kind"), samples)
    counts = Counter((kinds[n][0], sides[one.id]) for n, one in enumerate(samples))
    for kind, size in Counter(kind[0] for kind in kinds).items():
        assert abs(counts[kind, "test"] - 0.3 * size) <= 1


def passed_on(value):
    """What another process gets."""
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize(("block", "characters"), [(7, 10_000), (50, 1_000)])
def test_blocks_shares_and_processes_change_nothing(block, characters, both_ways, monkeypatch):
    texts = questions(150, 8)
    samples = [sample(n, text) for n, text in enumerate([*texts, *texts[::-1], " ", ""])]
    op, by_place = Grouped(by="kind"), {one.place: one for one in samples}
    alone = verdicts(op, samples)
    monkeypatch.setattr(linked_module, "PASS_CHARACTERS", characters)

    def spread(look, among):
        wanted = list(compress(samples, among))
        blocks = (wanted[at : at + block] for at in range(0, len(wanted), block))
        return (passed_on(passed_on(look)(passed_on(one))) for one in blocks)

    def share(function, tasks):
        return (passed_on(passed_on(function)(passed_on(task))) for task in tasks)

    places = [one.place for one in samples]
    facts = Facts(op.observe_many(samples), places, {}, spread, share, workers=3)
    assert dict(op.decide(facts, by_place.__getitem__)) == alone


def test_thousands_of_near_copies_are_one_group(both_ways):
    head = "请把下面这个数字用汉字大写写出来，不要解释，也不要换行，写完就停："
    samples = [sample(n, head + str(n)) for n in range(500)]
    assert set(split(Grouped(), samples).values()) == {"train"}


@pytest.mark.parametrize("ratios", [{"train": 0.8}, {"train": 1.2, "test": -0.2}])
def test_ratios_must_sum_to_one(ratios):
    with pytest.raises(ValueError, match="sum to 1"):
        Grouped(**ratios)


def test_the_batch_form_gives_the_same_facts():
    op, samples = Grouped(by="kind"), [sample(n, text, kind=[n]) for n, text in enumerate(questions(5, 1))]
    assert op.observe_many(samples).tobytes() == np.array([op.observe(s) for s in samples], op.fact).tobytes()


def test_head_tail_cuts_in_source_order():
    samples = [sample(n, "问") for n in range(240)]
    assert list(split(HeadTail(), samples).values()) == ["train"] * 168 + ["test"] * 72
    sides = list(split(HeadTail(train=0.5, validation=0.25), samples[:9]).values())
    assert sides == ["train"] * 4 + ["validation"] * 2 + ["test"] * 3


def test_head_tail_keeps_a_family_on_one_side():
    samples = [sample(1, "问"), sample(2, "答"), sample(3, "又问", family=f"{1:016x}")]
    assert list(split(HeadTail(train=0.5), samples).values()) == ["train", "test", "train"]
    with pytest.raises(ValueError, match="sum to 1"):
        HeadTail(train=0.9, validation=0.2)


def test_by_field():
    samples = [
        sample(1, "问", part="train"),
        sample(2, "问", part="dev"),
        sample(3, "问", part="x"),
        sample(4, "问"),
    ]
    found = verdicts(ByField("part"), samples)
    assert found["a.jsonl:1"] == Assign("train")
    assert found["a.jsonl:2"] == Assign("validation")
    assert found["a.jsonl:3"] == Drop("no_side", {"field": "part", "value": "x"})
    assert found["a.jsonl:4"] == Drop("no_side", {"field": "part", "value": None})
    assert list(split(ByField("part", {"x": "test"}, other="train"), samples).values()) == [
        "train",
        "train",
        "test",
        "train",
    ]


def test_by_field_children_follow_their_root():
    samples = [sample(1, "问", part="test"), sample(2, "又问", family=f"{1:016x}", part="train")]
    assert set(split(ByField("part"), samples).values()) == {"test"}


def test_the_leak_proof_names_what_leaks_into_a_less_protected_side():
    sides = {
        "train": [("a:1", "鱼会不会在水里觉得口渴"), ("a:2", "鸟为什么不会从树上掉下来")],
        "validation": [("a:3", "鸟为什么不会从树上掉下去")],
        "test": [("a:4", "鱼会不会在水里觉得口渴？"), ("a:5", "把冰箱门打开房间会凉快吗")],
    }
    found = [(side, other, leak.key, leak.place) for side, other, leak in leak_proof(sides)]
    assert found == [("test", "train", "a:4", "a:1"), ("validation", "train", "a:3", "a:2")]
    assert leak_proof({"train": sides["train"], "test": sides["test"][1:]}) == []
