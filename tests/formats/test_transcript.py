import pytest

from tilth.errors import FormatError
from tilth.formats.speech import spoken

from .reading import read, said

TALK = [("user", "问"), ("assistant", "答"), ("user", "再问"), ("assistant", "再答")]


@pytest.mark.parametrize(
    "text",
    [
        "### Human: 问### Assistant: 答### Human: 再问### Assistant: 再答",
        "\n\nHuman: 问\n\nAssistant: 答\n\nHuman: 再问\n\nAssistant: 再答",
        "Human:问\nAssistant:答\nHuman:再问\nAssistant:再答",
        "USER: 问 ASSISTANT: 答</s>USER: 再问 ASSISTANT: 再答</s>",
        "[Human]: 问<eoh> [MOSS]: 答<eoa> [Human]: 再问<eoh> [MOSS]: 再答<eoa>",
        "<|Human|>: 问<eoh>\n<|MOSS|>: 答<eom>\n<|Human|>: 再问<eoh>\n<|MOSS|>: 再答<eom>\n",
        "<s>[INST] 问 [/INST] 答 </s><s>[INST] 再问 [/INST] 再答 </s>",
        "<|im_start|>user\n问<|im_end|>\n<|im_start|>assistant\n答<|im_end|>\n<|im_start|>user\n再问<|im_end|>\n"
        "<|im_start|>assistant\n再答<|im_end|>\n",
        "用户：问\n助手：答\n用户：再问\n助手：再答",
        "问：问\n答：答\n问：再问\n答：再答",
    ],
)
def test_every_way_to_write_it_down_reads_the_same(text):
    assert said(read("transcript", {"text": text})) == TALK


def test_the_system_text_of_llama_2_and_of_a_key_beside_it():
    text = "<s>[INST] <<SYS>>\n简短\n<</SYS>>\n\n问 [/INST] 答 </s>"
    assert said(read("transcript", {"text": text})) == [("system", "简短"), *TALK[:2]]
    beside = {"system": "SYSTEM: 简短", "chat": "USER: 问\n\n\nASSISTANT: 答 <|endoftext|>\n\n\n"}
    assert said(read("transcript", beside)) == [("system", "简短"), *TALK[:2]]
    assert (
        said(read("transcript", {"prefix": "简短", "plain_text": "[Human]: 问<eoh> [MOSS]: 答<eoa>"}))[0][0]
        == "system"
    )


def test_texts_in_turn():
    assert said(read("transcript", {"id": "3", "data": ["问", "答", "再问", "再答"]})) == TALK
    assert said(read("transcript", ["问", "答"])) == TALK[:2]


def test_rounds_of_belle():
    record = {
        "instruction": "Human:问\nAssistant:答\nHuman:再问\nAssistant:",
        "input": "",
        "output": "再答",
        "id": 1,
    }
    sample = read("transcript", record)
    assert said(sample) == TALK
    assert sample.meta == {"id": 1}


def test_what_is_said_keeps_its_lines_and_its_code():
    text = "Human: 写\n\n```python\nprint('Human: x')\n```\nAssistant: 好的：\n\n    a < b\n\n完"
    assert said(read("transcript", {"text": text})) == [
        ("user", "写\n\n```python\nprint('Human: x')\n```"),
        ("assistant", "好的：\n\n    a < b\n\n完"),
    ]


@pytest.mark.parametrize(
    "text", ["", "从前", "Human: 没有人回答。", "他说 Human: 甲\nAssistant: 乙", "问：甲？\n问：乙？"]
)
def test_a_document_is_no_conversation(text):
    assert spoken(text) == ()
    with pytest.raises(FormatError, match="not a transcript record: `text` begins with no speaker"):
        read("transcript", {"text": text})


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"data": ["只有一句"]}, "`data` is a list, expected text or texts in turn"),
        ({"instruction": "问", "output": "答"}, "`instruction` begins with no speaker"),
        ({"instruction": "Human:问\nAssistant:答", "output": "答"}, "does not end with a question"),
    ],
)
def test_errors_name_the_key(record, message):
    with pytest.raises(FormatError, match=message):
        read("transcript", record)
