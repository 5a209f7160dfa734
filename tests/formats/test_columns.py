import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS, mapped, read_record

ALPACA = FORMATS.get("alpaca").read
CSV = FORMATS.get("csv").read


def test_without_a_map_the_record_is_the_very_same():
    record = [1]
    assert mapped(record, {}) is record


def test_keys_are_renamed_and_the_others_stay():
    record = {"Question": "问", "Answer": "答", "A": 1}
    sample = read_record(CSV, record, {"question": "Question", "answer": "Answer"}, "a", "b:1")
    assert (sample.question, sample.answer) == ("问", "答")
    assert sample.meta == {"A": 1}
    assert list(record) == ["Question", "Answer", "A"]


def test_null_hides_a_key_from_the_format_and_keeps_it_in_meta():
    record = {"instruction": "问", "input": "别读", "output": "答"}
    sample = read_record(ALPACA, record, {"input": None}, "a", "b:1")
    assert sample.question == "问"
    assert sample.meta == {"input": "别读"}


def test_a_key_that_another_replaces_is_kept_in_meta():
    record = {"question": "短", "long_question": "长", "answer": "答"}
    sample = read_record(CSV, record, {"question": "long_question"}, "a", "b:1")
    assert sample.question == "长"
    assert sample.meta == {"question": "短"}


def test_keys_can_be_swapped():
    sample = read_record(
        CSV, {"question": "答", "answer": "问"}, {"question": "answer", "answer": "question"}, "a", "b:1"
    )
    assert (sample.question, sample.answer, sample.meta) == ("问", "答", {})


def test_a_key_that_is_not_there_is_missing():
    with pytest.raises(FormatError, match="`question` is missing"):
        read_record(CSV, {"answer": "答"}, {"question": "Question"}, "a", "b:1")


def test_a_map_needs_an_object():
    with pytest.raises(FormatError, match="expected an object, got a list"):
        mapped([1], {"question": "Question"})
