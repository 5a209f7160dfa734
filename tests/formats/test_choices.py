import pytest

from tilth.errors import FormatError

from .reading import read, said

ASKED = ("user", "水的沸点是____度。\nA. 50\nB. 100\nC. 200")
LETTERS = {"A": "50", "B": "100", "C": "200"}


@pytest.mark.parametrize(
    "record",
    [
        {"question": "水的沸点是____度。", **LETTERS, "answer": "B"},
        {"Question": "水的沸点是____度。", **LETTERS, "Answer": " b"},
        {"question": "水的沸点是____度。", "choices": ["50", "100", "200"], "answer": 1},
        {"question": "水的沸点是____度。", "choices": [50, 100, 200], "answer": "100"},
        {"question": "水的沸点是____度。", "options": LETTERS, "answer": "100", "answer_idx": "B"},
        {"question": "水的沸点是____度。", "choices": {"text": ["50", "100", "200"], "label": ["A", "B", "C"]}, "answerKey": "B"},
        {
            "question": {
                "stem": "水的沸点是____度。",
                "choices": [{"text": text, "label": mark} for mark, text in LETTERS.items()],
            },
            "answerKey": "B",
        },
        {"题目": "水的沸点是____度。", "选项": LETTERS, "答案": "B"},
    ],
)  # fmt: skip
def test_every_spelling_reads_the_same(record):
    sample = read("choices", record)
    assert said(sample) == [ASKED, ("assistant", "B")]
    assert sample.meta == {}


def test_the_explanation_follows_the_letter_and_other_keys_stay():
    sample = read(
        "choices", {"id": 3, "question": "几？", **LETTERS, "answer": "AB", "explanation": "都对。"}
    )
    assert said(sample)[1] == ("assistant", "AB\n都对。")
    assert sample.meta == {"id": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "D"}, "the answer is 'D', expected one of A, B, C"),
        ({"answer": ""}, "the answer is ''"),
        ({"question": None}, "no text under question"),
        ({"A": "", "B": "", "C": "100"}, "no options under A, B"),
    ],
)
def test_what_is_missing_is_said(change, message):
    with pytest.raises(FormatError, match=message):
        read("choices", {"question": "几？", **LETTERS, "answer": "B", **change})


def test_without_an_answer_it_is_none():
    with pytest.raises(FormatError, match="the answer is missing"):
        read("choices", {"question": "几？", **LETTERS})
