"""What a hint does not find, the pattern behind it must not find either."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from benchmarks.traps.suite import load

from tilth.operators import (
    clean,
    clean_boilerplate,
    clean_html,
    clean_mojibake,
    denoise,
    measure,
    normalize_dates,
    normalize_marks,
    normalize_money,
    normalize_numbers,
    privacy_find,
    protect,
)
from tilth.operators.lexicon import sections
from tilth.operators.normalize_glossary import load_glossary
from tilth.operators.regex import Hint, hint_of

Look = Callable[[str], object]


def hints() -> dict[str, tuple[Look, Look]]:
    """Name → the hint, and what it stands before."""
    found: dict[str, tuple[Look, Look]] = {
        "markup": (clean_html._TOPIC_HINT, clean_html._TOPIC.search),
        "tags": (clean_html._NAMED_HINT, clean_html._NAMED.search),
        "listed tags": (clean_html._LISTED_HINT, clean_html._LISTED.search),
        "invisible": (clean._INVISIBLE_HINT, clean._INVISIBLE.search),
        "mojibake": (clean_mojibake._hint(), lambda text: clean_mojibake._pass(text) != text),
        "misspelling": (denoise._misspelling(), denoise._misspelt().search),
        "date": (normalize_dates._GATE, normalize_dates._DATE.search),
        "european date": (normalize_dates._GATE, normalize_dates._EUROPEAN.search),
        "english date": (normalize_dates._GATE, normalize_dates._ENGLISH.search),
        "mark": (normalize_marks._TRIGGER, re.compile(normalize_marks._TRIGGER.pattern).search),
        "span": (protect._SIGNS, protect._SPANS.search),
        "wording": (protect._WORDING_SIGNS, protect._WORDING_SPANS.search),
        "boilerplate": (
            clean_boilerplate._hint(),
            lambda text: any(hint in text for hint in sections("boilerplate.txt")["hint"]),
        ),
    }
    for style in ("digits", "hanzi"):
        pattern = normalize_numbers._pattern(style)
        found[f"number in {style}"] = (
            normalize_numbers._hint(style),
            lambda text, pattern=pattern: any(match["unit"] for match in pattern.finditer(text)),
        )
    for to in ("word", "symbol"):
        for currency in normalize_money._currencies(to):
            found[f"{currency.word} as {to}"] = (currency.hint, currency.pattern.search)
            found[f"{currency.word} as {to}, gate"] = (normalize_money._gate(), currency.pattern.search)
    for kind, finder, hint in privacy_find._FINDERS:
        found[kind] = (hint, lambda text, finder=finder: list(finder(text)))
    for name, pattern, hint in measure._question_patterns():
        found[f"question {name}"] = (hint, pattern.search)
    return found


ODD = {" ": "\x1c", "i": "ı", "I": "İ", "s": "ſ", "k": "K", "1": "１", "a": "\ud800", "\n": "\x85"}
MORE = [
    *(
        "护照号E12345678",
        "passport no. G12345678",
        "京A12345",
        "粤B·D12345",
        "+1 212-555-0199",
        "(212) 555-0199",
    ),
    *(
        "为什么鱼不睡？",
        "什么是水",
        "这还是那？",
        "有多少条鱼",
        "怎么办",
        "是不是鱼？",
        "Which one is better?",
        "Is it so?",
    ),
    *(
        "How many?",
        "who is it",
        "HTML",
        "<b> 标签",
        "<b>、<i>",
        "<p> and\x1c<br>",
        "标签<b>",
        "US$5",
        "5 USD",
        "EUR 3",
        "£4",
        "4 GBP",
        "HK$5",
        "5港币",
        "5 EUR",
    ),
    *(
        "2024-05-01",
        "31/12/2024",
        "May 1, 2024",
        "30公里",
        "三公里",
        "a\u200bb",
        "donâ€™t",
        "浣犲ソ",
        "recieve",
        "他既使",
    ),
    *(
        "13900000000",
        "(010)62345678",
        "110101199003077774",
        "6222021234567890123",
        "a@b.com",
        "10.20.30.40",
        "2001:db8::1",
    ),
    *(
        "QQ：12345678",
        "微信号：abc_1234",
        "加vx abc_123",
        "密码：abc12345",
        "sk-abcdef1234567890abcd",
        "ftp://a:b1c2@host",
    ),
]


def texts() -> list[str]:
    rng = random.Random(11)
    pieces = [case.input for case in load()] + MORE * 6
    made = list(pieces)
    for _ in range(4000):
        text = "".join(rng.choices(pieces, k=rng.randint(1, 3)))
        start = rng.randint(0, max(len(text) - 2, 0))
        text = text[start : start + rng.randint(1, 80)]
        made.append(rng.choice((text, text.upper(), text.swapcase())))
        if rng.random() < 0.3:
            made[-1] = made[-1].translate(str.maketrans(dict(rng.sample(sorted(ODD.items()), 2))))
    return made


@pytest.fixture(scope="module")
def many() -> list[str]:
    return texts()


@pytest.mark.parametrize("name", sorted(hints()))
def test_no_hint_hides_what_its_pattern_finds(name, many):
    hint, pattern = hints()[name]
    found = [text for text in many if pattern(text)]
    assert [text for text in found if not hint(text)] == []
    assert found
    assert not all(map(hint, many))


def test_a_hint_says_yes_to_what_it_cannot_look_at():
    hint = Hint("b")
    assert [hint(text) for text in ("a", "é", "ab", "éb", "\ud800", "")] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [
        (r"a(?=b)", 0, "ab"),
        (r"(?<![x(])(?:鱼|水)(?!\))", 0, "水"),
        (r"\bwhy\b", re.IGNORECASE, "WHY\u0301"),
        (r"is", re.IGNORECASE, "ıſ"),
        (r"a\sb", 0, "a\x1cb"),
        (r"[\s]b", 0, "\x1fb"),
        (r"a$", 0, "a\n"),
        (r"a$", re.MULTILINE, "a\nb"),
        (r"[([]x[&~-]", 0, "[x&"),
        (r"\w鱼", 0, "½鱼"),
        (r"(?:a(?!b(?:c|d))e|f)", 0, "ae"),
    ],
)
def test_a_hint_made_of_a_pattern_finds_what_it_finds(pattern, flags, text):
    assert re.search(pattern, text, flags)
    assert hint_of(pattern, flags)(text)
    assert not hint_of(pattern, flags)("---")


def test_a_long_glossary_needs_no_hint(tmp_path):
    file = tmp_path / "terms.tsv"
    file.write_text("".join(f"甲{at}\t乙{at}\n" for at in range(3000)), encoding="utf-8")
    assert load_glossary(str(file)).hint("甲1")
    file.write_text("甲1\t乙1\n", encoding="utf-8")
    assert load_glossary(str(file)).hint("甲1")
    assert not load_glossary(str(file)).hint("乙1")
