import pytest

from tilth.errors import FormatError
from tilth.formats import detect, guess

SAID = {"from": "human", "value": "问"}
GPT = {"from": "gpt", "value": "答"}
ALPACA = {"instruction": "问", "input": "", "output": "答"}


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (ALPACA, "alpaca"),
        ({**ALPACA, "domain": [], "answer_from": "human"}, "coig_cqia"),
        ({**ALPACA, "kto_tag": True}, "kto"),
        ({"instruction": "问", "chosen": "甲", "rejected": "乙"}, "preference"),
        ({"conversations": [{"from": "human", "value": "问"}]}, "sharegpt"),
        ({"conversations": [SAID], "chosen": GPT, "rejected": GPT}, "preference"),
        (
            {"chosen": "\n\nHuman: 问\n\nAssistant: 好", "rejected": "\n\nHuman: 问\n\nAssistant: 坏"},
            "preference",
        ),
        ({"instruction": "问", "input": "", "output": ["好", "坏"]}, "preference"),
        (
            {"instruction": "Human:早\nAssistant:早\nHuman:问\nAssistant:", "input": "", "output": "答"},
            "transcript",
        ),
        ({"text": "### Human: 问### Assistant: 答"}, "transcript"),
        ({"data": ["问", "答"]}, "transcript"),
        ({"chat": {"turn_1": {"Human": "问", "MOSS": "答"}}}, "moss"),
        ({"question": "问", "A": "甲", "B": "乙", "answer": "B"}, "choices"),
        ({"Question": "问", "choices": ["甲", "乙"], "answer": 1}, "choices"),
        ("文字", "text"),
        ({"text": "Human: 只有一个人说话。"}, "text"),
        ([{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}], "openai"),
        ({"messages": [{"role": "assistant", "content": "答"}]}, "openai"),
        ({"messages": [{"role": "user", "content": "问"}]}, "questions"),
        ({"id": "a", "messages": [{"role": "user", "content": "问"}], "meta": {}}, "tilth"),
        ({"conversation": [{"input": "问", "output": "答"}]}, "xtuner_conversation"),
        ({"conversation": [{"message_type": "send", "content": "问"}]}, "labelllm"),
        ({"conversation": [{"human": "问", "assistant": "答"}], "category": "闲聊"}, "firefly"),
        ({"instruction": "写诗", "instances": [{"input": "夏", "output": "诗"}]}, "self_instruct"),
        ({"prompt": "问", "completion": "答"}, "prompt_completion"),
        ({"question": "问", "answer": "答"}, "csv"),
        ({"title": "问", "href": "/p/1"}, "questions"),
        ({"text": "从前", "label": True}, "text"),
    ],
)
def test_the_most_particular_shape_wins(record, name):
    assert detect([record]).name == name


def test_all_records_must_fit_the_wider_shape():
    assert detect([{**ALPACA, "domain": [], "answer_from": "human"}, ALPACA]).name == "alpaca"


def test_a_stray_broken_record_does_not_hide_the_shape():
    assert detect([ALPACA] * 19 + [{"output": "答"}]).name == "alpaca"
    with pytest.raises(FormatError, match="most fit `alpaca`, but record 10 has `output`"):
        detect([ALPACA] * 9 + [{"output": "答"}])


@pytest.mark.parametrize(
    "record",
    [
        {"title": "题", "content": "文"},
        {"messages": [{"toy_input": "问"}]},
        {"prompt": "问", "response": "答"},
        {"prompt": "问", "response_0": "甲", "response_1": "乙"},
        {"title": "春晓", "paragraphs": ["春眠不觉晓，", "处处闻啼鸟。"]},
        7,
    ],
)
def test_what_fits_nothing_is_not_guessed(record):
    with pytest.raises(FormatError, match=r"no format fits these records.*Known: alpaca"):
        detect([record])


def test_keys_that_fit_are_not_enough_where_no_record_can_be_read():
    said = {"role": "assistant", "content": "答"}
    record = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, said]}
    with pytest.raises(
        FormatError, match=r"the keys of `openai`, but the first one is .*content\[0\]` is no text part"
    ):
        detect([record] * 3)
    assert detect([record, {"messages": [said]}]).name == "openai"


def test_the_keys_that_were_seen_are_shown():
    with pytest.raises(FormatError, match="the first one has `作者`, `正文`"):
        detect([{"作者": "甲", "正文": "文"}])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"prompt": "问", "response": "答"}, "instruction: prompt, output: response"),
        ({"question": "问", "reply": "答"}, "instruction: question, output: reply"),
        ({"title": "题", "content": "文"}, "columns: {text: content}"),
        ({"作者": "甲", "页": "文"}, "columns: {question: YOUR KEY"),
    ],
)
def test_the_way_out_is_shown(record, said):
    with pytest.raises(FormatError, match=said):
        detect([record])


MANY = 6


@pytest.mark.parametrize(
    ("record", "format_", "columns"),
    [
        ({"query": "问", "response": "答", "tag": "zh"}, "alpaca", {"instruction": "query", "output": "response"}),
        ({"title": "问", "desc": "详", "answer": "答"}, "alpaca", {"instruction": "title", "input": "desc", "output": "answer"}),
        ({"Question": "问", "Best Answer": "答"}, "alpaca", {"instruction": "Question", "output": "Best Answer"}),
        (
            {"question": "问", "response_chosen": "好", "response_rejected": "坏"},
            "preference",
            {"prompt": "question", "chosen": "response_chosen", "rejected": "response_rejected"},
        ),
        (
            {"input": "问", "reasoning_content": "想", "content": "答"},
            "alpaca",
            {"instruction": "input", "output": "content", "thinking": "reasoning_content"},
        ),
        (
            {"Question": "问", "Complex_CoT": "想", "Response": "答"},
            "alpaca",
            {"instruction": "Question", "output": "Response", "thinking": "Complex_CoT"},
        ),
        ({"comment_text": "话", "toxic": "0"}, "text", {"text": "comment_text"}),
        ({"title": "春晓", "paragraphs": ["春眠不觉晓，", "处处闻啼鸟。"]}, "text", {"text": "paragraphs"}),
        ({"姓名": "甲", "近况": "今年搬到了城南，每天走路去上班，周末在河边钓鱼，钓到了就放回去。"}, "text", {"text": "近况"}),
    ],
)  # fmt: skip
def test_a_column_map_is_guessed(record, format_, columns):
    found = guess([record] * MANY)
    assert (found.format, found.columns) == (format_, columns)


@pytest.mark.parametrize(
    "record",
    [
        {"input": "问", "content": "答"},
        {
            "甲": "一段很长的话，说的是天气和收成，没有人问，也没有人答。",
            "乙": "另一段很长的话，说的是天气和收成。",
        },
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        {"一": "只有一个键的记录说不出它是什么，哪怕它的文字很长很长。"},
    ],
)
def test_what_cannot_be_told_is_not_guessed(record):
    assert guess([record] * MANY) is None


def test_no_records():
    with pytest.raises(FormatError, match="no record to recognize"):
        detect([])


FOUND = {
    "tutorial_camp2/ruozhiba_raw.jsonl": ("lines", "coig_cqia", 240),
    "tutorial_camp2/train.jsonl": ("lines", "openai", 168),
    "cqia/xhs_xhs.jsonl": ("lines", "coig_cqia", 700),
    "cqia/segmentfault_segmentfault_upvote5_clean.jsonl": ("lines", "coig_cqia", 458),
    "sft_llamafactory/alpaca_zh_demo.json": ("array", "alpaca", 1000),
    "sft_llamafactory/glaive_toolcall_zh_demo.json": ("array", "sharegpt", 300),
    "sft_llamafactory/dpo_zh_demo.json": ("array", "preference", 300),
    "sft_llamafactory/v1_sft_demo.jsonl": ("lines", "openai", 500),
    "sft_llamafactory/c4_demo.jsonl": ("lines", "text", 300),
    "sft_firefly/dummy_dpo.jsonl": ("lines", "preference", 16),
    "sft_firefly/dummy_pretrain.jsonl": ("lines", "text", 45),
    "sft_xtuner_tests/openai_sft.jsonl": ("lines", "openai", 128),
    "sft_xtuner_tests/multi_turn_2.json": ("array", "openai", 2),
    "sft_xtuner_tests/gsm8k_train_example_data.jsonl": ("lines", "questions", 200),
    "bench_gsm8k/test.jsonl": ("lines", "csv", 1319),
    "ruozhiba_tieba/ruozhiba-title-good.json": ("array", "questions", 2597),
    "ruozhiba_better/ruozhiba_qa.json": ("array", "alpaca", 1475),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", FOUND)
def test_real_files_are_read_whole(real_data, name):
    from tilth.sources import entries, plan, sniff
    from tilth.sources.base import Spec

    path = str(real_data / name)
    fmt = detect(sniff(path).records)
    parts = [part for shard in plan([Spec(path)]) for part in shard.parts]
    samples = [fmt.read(entry.record, "a", "b:1") for part in parts for entry in entries(part)]
    assert (parts[0].layout, fmt.name, len(samples)) == FOUND[name]
