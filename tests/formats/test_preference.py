import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said

USER, GOOD, BAD = (
    {"role": role, "content": text}
    for role, text in [("user", "问"), ("assistant", "好"), ("assistant", "坏")]
)
EXPLICIT = {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}


@pytest.mark.parametrize(
    "record",
    [
        EXPLICIT,
        {"prompt": "问", "chosen": "好", "rejected": "坏"},
        {"prompt": "问", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"messages": [USER], "chosen": GOOD, "rejected": BAD},
        {"instruction": "问", "input": "", "chosen": "好", "rejected": "坏"},
        {"instruction": "问", "input": "", "output": ["好", "坏"]},
        {"question": "问", "system": "", "chosen": "好", "rejected": "坏"},
        {"chosen": "\n\nHuman: 问\n\nAssistant: 好", "rejected": "\n\nHuman: 问\n\nAssistant: 坏"},
        {
            "conversations": [{"from": "human", "value": "问"}],
            "chosen": {"from": "gpt", "value": "好"},
            "rejected": {"from": "gpt", "value": "坏"},
        },
    ],
)
def test_every_spelling_reads_the_same(record):
    sample = read("preference", record)
    assert said(sample) == [("user", "问"), ("assistant", "好")]
    assert sample.rejected == (Message("assistant", "坏"),)
    assert sample.meta == {}
    assert FORMATS.get("preference").write(sample) == EXPLICIT


def test_scores_and_a_prompt_that_says_something_else_are_kept():
    record = {"prompt": "别的", "chosen": [USER, GOOD], "rejected": [USER, BAD], "score_chosen": 8.5}
    assert read("preference", record).meta == {"prompt": "别的", "score_chosen": 8.5}


def test_system_and_history_of_llamafactory():
    record = {
        "instruction": "问",
        "system": "简短",
        "history": [["早", "早"]],
        "chosen": "好",
        "rejected": "坏",
    }
    assert said(read("preference", record))[:2] == [("system", "简短"), ("user", "早")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chosen": None}, "`chosen` is null"),
        ({"rejected": []}, "`rejected` is empty"),
        ({"rejected": 0}, "`rejected` is a number"),
        ({"prompt": None}, "`prompt` is null"),
        ({"chosen": [GOOD, GOOD]}, "`chosen` holds assistant, assistant"),
        ({"rejected": [USER]}, "`rejected` holds user"),
        (
            {"chosen": [USER, GOOD], "rejected": [{**USER, "content": "另问"}, BAD]},
            "`chosen` holds user, assistant",
        ),
        (
            {"chosen": [USER, GOOD, USER, GOOD], "rejected": [USER, BAD]},
            "`chosen` holds assistant, user, assistant",
        ),
    ],
)
def test_answers_are_checked(change, message):
    with pytest.raises(FormatError, match=message):
        read("preference", {**EXPLICIT, **change})


def test_a_pair_needs_both_answers():
    with pytest.raises(FormatError, match="`rejected` is missing"):
        read("preference", {"prompt": "问", "chosen": "好"})
    with pytest.raises(FormatError, match="needs one rejected answer"):
        FORMATS.get("preference").write(
            Sample("a", "b:1", (Message("user", "问"), Message("assistant", "好")))
        )


def test_without_an_answer_there_is_no_pair():
    with pytest.raises(FormatError, match="needs a prompt and, at the end, an answer"):
        FORMATS.get("preference").write(
            Sample("a", "b:1", (Message("user", "问"),), rejected=(Message("assistant", "坏"),))
        )


def test_a_system_text_beside_a_question():
    sample = read("preference", {"system": "简短", "question": "问", "chosen": "好", "rejected": "坏"})
    assert said(sample) == [("system", "简短"), ("user", "问"), ("assistant", "好")]
    assert sample.meta == {}
