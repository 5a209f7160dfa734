import pytest

from tilth.errors import FormatError

from .reading import read, said


@pytest.mark.parametrize(
    "record",
    [
        {"question": "为什么？"},
        {"prompt": "为什么？"},
        {"prompt": [{"role": "user", "content": "为什么？"}]},
        {"messages": [{"role": "user", "content": "为什么？"}]},
        {"instruction": "为什么？", "input": ""},
        {"title": "为什么？"},
    ],
)
def test_every_spelling_reads_the_same(record):
    sample = read("questions", record)
    assert said(sample) == [("user", "为什么？")]
    assert sample.meta == {}


def test_the_first_key_is_the_question():
    sample = read("questions", {"title": "标题", "question": "为什么？", "answer": "因为。"})
    assert said(sample) == [("user", "为什么？")]
    assert sample.meta == {"title": "标题", "answer": "因为。"}


def test_an_answer_is_no_question():
    with pytest.raises(FormatError, match="does not end with a question"):
        read(
            "questions",
            {"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]},
        )


def test_a_question_is_text():
    with pytest.raises(FormatError, match="`question` is null"):
        read("questions", {"question": None})
