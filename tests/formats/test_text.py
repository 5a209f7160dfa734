import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said


def test_a_document_is_one_user_message():
    sample = read("text", {"text": "从前有座山。", "url": "a"})
    assert said(sample) == [("user", "从前有座山。")]
    assert sample.answer == ""
    assert sample.meta == {"url": "a"}


def test_lines_and_bare_strings_are_documents():
    assert said(read("text", {"text": ["春眠不觉晓，", "处处闻啼鸟。"]})) == [
        ("user", "春眠不觉晓，\n处处闻啼鸟。")
    ]
    assert said(read("text", "从前")) == [("user", "从前")]


@pytest.mark.parametrize("value", [None, 1, [], ["字", 1]])
def test_a_document_is_text(value):
    with pytest.raises(FormatError, match="`text` is"):
        read("text", {"text": value})


def test_a_conversation_is_no_document():
    with pytest.raises(FormatError, match="one document, not a conversation"):
        FORMATS.get("text").write(Sample("a", "b:1", (Message("user", "问"), Message("assistant", "答"))))
