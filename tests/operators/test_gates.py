"""What a gate turns away must be what the operator returns as it is."""

from __future__ import annotations

import random

import pytest

from tilth.engine.gates import Gates
from tilth.operators.base import OPERATORS
from tilth.operators.clean_boilerplate import HINTING
from tilth.operators.features import units
from tilth.operators.lexicon import sections
from tilth.operators.repeats import repeats
from tilth.operators.repetition import repetition_of
from tilth.operators.texts import Texts
from tilth.recipe.plan import Step
from tilth.sample import Message, Sample

GATED = [name for name in OPERATORS.names() if OPERATORS.get(name).gate]
SIGNS = (
    *"水火木金土的是abcXYZqx019 \t\r\n\xa0\u3000\u2003，。！`$ＡＢ１如题点赞😀\u2028\x85\x1c_-/~.wW\0\ud800\U00020000",
    *(
        "<b>",
        "&amp;",
        "</b>",
        "扫码",
        "关注",
        "公众号",
        "水火木金土的是一",
        "one two three four five six seven eight ",
    ),
    *("\n\n\n", "  ", "www.a.com", "`水火木金`", "def f(x):\n", "x = 1;\n", "}\n"),
)
SETTINGS = {
    "filter.length": [
        {"field": field, "min_chars": least, "max_chars": most}
        for field in ("question", "answer", "both")
        for least, most in ((0, None), (3, 9), (8, 40))
    ],
    "denoise.repeated_text": [
        {"field": field, "min_chars": least, "mode": mode}
        for field in ("question", "answer", "both")
        for least, mode in ((8, "propose"), (9, "apply"))
    ],
    "filter.repetition": [{"max": share} for share in (0.0, 0.1, 0.3, 0.6)],
}


def samples():
    rng = random.Random(7)
    for at in range(3000):
        question, answer = ("".join(rng.choices(SIGNS, k=rng.randint(0, 12))) for _ in range(2))
        turns = [Message("user", question), Message("assistant", answer * rng.choice((1, 1, 3, 9)))]
        if at % 7 == 0:
            turns += [Message("user", answer), Message("assistant", question)]
        if at % 11 == 0:
            turns.insert(0, Message("system", " 规则 "))
        rejected = (Message("assistant", question * 2),) if at % 13 == 0 else None
        yield Sample(f"{at:016x}", f"a:{at}", tuple(turns[: 1 if at % 17 == 0 else None]), rejected=rejected)


def test_every_gate_is_looked_at():
    assert set(GATED) == {
        "clean.strip_html",
        "clean.strip_boilerplate",
        "clean.squeeze_whitespace",
        "normalize.width",
        "filter.length",
        "filter.repetition",
        "denoise.repeated_text",
    }


@pytest.mark.parametrize(
    ("name", "settings"), [(name, settings) for name in GATED for settings in SETTINGS.get(name, [{}])]
)
def test_what_a_gate_turns_away_is_left_alone(name, settings):
    declared = OPERATORS.get(name)
    everything = list(samples())
    operator, opened = declared.bind(settings), declared.gate(Texts.of(everything), settings).tolist()
    shut = [one for one, is_open in zip(everything, opened, strict=True) if not is_open]
    assert len(shut) > 50
    for one in shut:
        assert operator(one) is one
    alone = [one for one in everything[:300] if not declared.gate(Texts.of([one]), settings)[0]]
    assert alone
    assert all(operator(one) is one for one in alone)


def test_a_gate_is_shut_on_what_needs_nothing():
    """Gates that are always open would pass every other test and save nothing."""
    plain = Sample(
        "0" * 16, "a:1", (Message("user", "水为什么会结冰？"), Message("assistant", "冷\n\n了 now."))
    )
    for name in GATED:
        settings = SETTINGS.get(name, [{}])[0] if name != "filter.repetition" else {"max": 0.3}
        assert OPERATORS.get(name).gate(Texts.of([plain]), settings).tolist() == [False], name


def test_every_hint_of_boilerplate_has_a_sign():
    for hint in sections("boilerplate.txt")["hint"]:
        assert not set(HINTING).isdisjoint(hint), hint


def test_repeated_units_are_those_that_units_finds():
    rng = random.Random(8)
    signs = ["水", "火", "か", "ab", "a", "b1", " ", "，", "_", "é", "\n", "\U00020000", "😀", "\0"]
    texts = [
        "".join(rng.choices(signs, k=rng.randint(0, 60))) * rng.choice((1, 1, 1, 2)) for _ in range(2000)
    ]
    found = repeats(texts, 0)
    for text, is_found in zip(texts, found, strict=True):
        parts = units(text)
        grams = [tuple(parts[at : at + 8]) for at in range(len(parts) - 7)]
        assert is_found or len(set(grams)) == len(grams), text
    assert 100 < sum(found) < 1900


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_no_text_repeats_more_than_its_look_says(share):
    rng = random.Random(9)
    signs = ["水", "火", "ab ", "def f(x):\n", "x = 1;\n", "}\n", "return x\n", "，"]
    texts = [
        "".join(rng.choices(signs, k=rng.randint(4, 60))) * rng.choice((1, 1, 2, 3))
        + "木" * rng.randint(0, 7)
        for _ in range(1500)
    ]
    found = repeats(texts, share)
    for text, is_found in zip(texts, found, strict=True):
        assert is_found or repetition_of(text) <= share, text
    assert 50 < sum(found) < 1450


def test_code_between_two_halves_hides_no_repetition():
    answer = "水是一种液体`a`它很清澈。水是一种液体`b`它很清澈。"
    one = Sample("0" * 16, "a:1", (Message("user", "水？"), Message("assistant", answer)))
    declared = OPERATORS.get("filter.repetition")
    assert declared.gate(Texts.of([one]), {"max": 0.1}).tolist() == [True]
    assert declared.target(one, max=0.1).reason == "repetitive"


def test_a_sample_that_a_step_changed_is_looked_at_again():
    gates = Gates([Step("clean.strip_html", "clean.strip_html", {"field": "both"})] * 2)
    first = [Sample(f"{at:016x}", f"a:{at}", (Message("user", f"水{at}"),)) for at in range(8)]
    gates.look(first)
    assert list(gates.open(0, first)) == []
    for at in range(8):
        changed = [*first[:at], first[at].replace(messages=(Message("user", "<b>水</b>"),)), *first[at + 1 :]]
        assert list(gates.open(1, changed)) == [at]
        assert list(gates.open(1, changed[at:])) == [0]
