import re
from pathlib import Path
from string import Formatter

import pytest

import tilth.pages
from tilth.evaluation import worklist
from tilth.evaluation.words import PHRASES, percent, say

MADE = (
    "reason_", "reading_", "why_", "vote_", "now_", "was_", "head_", "card_", "h_", "general_zh", "general_en",
    "among_people", "with_judge", "near_",
)  # fmt: skip
TEMPLATE = Path(tilth.pages.__file__).parent / "templates" / "compare.html"


@pytest.mark.parametrize("phrase", PHRASES)
def test_both_languages_fill_in_the_same_values(phrase):
    english, chinese = (
        {name for _, name, _, _ in Formatter().parse(text) if name} for text in PHRASES[phrase]
    )
    assert english == chinese


@pytest.mark.parametrize("phrase", PHRASES)
def test_each_phrase_is_in_its_language(phrase):
    english, chinese = PHRASES[phrase]
    assert not re.search(r"[\u4e00-\u9fff，。：；]", english)
    assert re.search(r"[\u4e00-\u9fff]", chinese) or phrase == "token"


def test_every_phrase_is_used_and_every_use_is_a_phrase():
    rooms = Path(worklist.__file__).parent
    code = "\n".join(
        p.read_text("utf-8") for p in rooms.glob("*.py") if p.name not in ("words.py", "page_words.py")
    )
    html = TEMPLATE.read_text("utf-8")
    said = set(re.findall(r'say\("([a-z_0-9]+)"[,)]', html))
    assert said <= set(PHRASES)
    made = {p for p in PHRASES if p.startswith(MADE)}
    unused = {p for p in PHRASES if p not in said and f'"{p}"' not in code} - made
    assert unused == set()


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50%"), (0, "0%"), (1, "100%"), (0.002, "0.2%"), (0.998, "99.8%")]
)
def test_percent(share, text):
    assert percent(share) == text


def test_say():
    assert say("zh", "shorter", before=9, after=3) == "回答变短（9 → 3 字）"
