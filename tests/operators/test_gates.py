"""What a gate turns away must be what the operator returns as it is."""

from __future__ import annotations

import random

import pytest

from tilth.operators.base import OPERATORS
from tilth.operators.clean_boilerplate import HINTING
from tilth.operators.features import repeats_units, units
from tilth.operators.lexicon import sections
from tilth.sample import Message, Sample

GATED = [name for name in OPERATORS.names() if OPERATORS.get(name).touches or OPERATORS.get(name).gate]
SIGNS = "水火木金土的是abcXYZqx019 \t\r\n\xa0\u3000\u2003，。！<b>&amp;</b>`$ＡＢ１如题扫码关注公众号点赞😀\u2028\x85_-"


def samples():
    rng = random.Random(7)
    for at in range(3000):
        question, answer = ("".join(rng.choices(SIGNS, k=rng.randint(0, 12))) for _ in range(2))
        yield Sample(
            f"{at:016x}",
            f"a:{at}",
            (Message("user", question), Message("assistant", answer * rng.choice((1, 9)))),
        )


def test_every_gate_is_looked_at():
    assert {
        "clean.strip_html",
        "clean.strip_boilerplate",
        "clean.squeeze_whitespace",
        "normalize.width",
    } <= set(GATED)
    assert "filter.repetition" in GATED


@pytest.mark.parametrize("name", GATED)
def test_what_a_gate_turns_away_is_left_alone(name):
    declared = OPERATORS.get(name)
    assert all(ord(character) < 0xFFFF for character in declared.touches)
    assert "\0" not in declared.touches
    everything = list(samples())
    if declared.gate:
        shut = [
            one for one, is_open in zip(everything, declared.gate(everything), strict=True) if not is_open
        ]
    else:
        signs = set(declared.touches)
        shut = [one for one in everything if signs.isdisjoint("".join(m.content for m in one.messages))]
    assert len(shut) > 50
    for one in shut:
        assert declared.target(one) is one


def test_every_hint_of_boilerplate_has_a_sign():
    for hint in sections("boilerplate.txt")["hint"]:
        assert not set(HINTING).isdisjoint(hint), hint


@pytest.mark.parametrize("n", [2, 3, 8])
def test_repeated_units_are_those_that_units_finds(n):
    rng = random.Random(n)
    signs = ["水", "火", "か", "ab", "a", "b1", " ", "，", "_", "é", "\n"]
    texts = [
        "".join(rng.choices(signs, k=rng.randint(0, 30))) * rng.choice((1, 1, 1, 2)) for _ in range(2000)
    ]
    found = repeats_units(texts, n)
    for text, repeats in zip(texts, found, strict=True):
        parts = units(text)
        grams = [tuple(parts[at : at + n]) for at in range(len(parts) - n + 1)]
        assert repeats == (len(set(grams)) < len(grams)), text
    assert 100 < sum(found) < 1900
    assert repeats_units(["\U00020000"], n) == [True], "characters beyond the table are left to the operator"


def test_code_between_two_halves_hides_no_repetition():
    answer = "水是一种液体`a`它很清澈。水是一种液体`b`它很清澈。"
    one = Sample("0" * 16, "a:1", (Message("user", "水？"), Message("assistant", answer)))
    declared = OPERATORS.get("filter.repetition")
    assert declared.gate([one]) == [True]
    assert declared.target(one, max=0.1).reason == "repetitive"
