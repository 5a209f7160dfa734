import pytest

from tilth.errors import FormatError

from .reading import read, said

TURN = {
    "Human": "<|Human|>: 水几度沸腾？<eoh>\n",
    "Inner Thoughts": "<|Inner Thoughts|>: 查一下。<eot>\n",
    "Commands": '<|Commands|>: Search("沸点"), Calculate("50*2")<eoc>\n',
    "Tool Responses": "<|Results|>:\nSearch => 100<eor>\n",
    "MOSS": "<|MOSS|>: 100 度。<sup><|1|></sup><eom>\n",
}


def test_a_turn_with_tools():
    record = {"conversation_id": 7, "meta_instruction": "你是 MOSS。\n", "chat": {"turn_1": TURN}}
    sample = read("moss", record)
    assert said(sample) == [
        ("system", "你是 MOSS。"),
        ("user", "水几度沸腾？"),
        ("assistant", ""),
        ("tool", "Search => 100"),
        ("assistant", "100 度。<sup><|1|></sup>"),
    ]
    call = sample.messages[2]
    assert call.thinking == "查一下。"
    assert [(c["function"]["name"], c["function"]["arguments"]) for c in call.tool_calls] == [
        ("Search", {"input": "沸点"}),
        ("Calculate", {"input": "50*2"}),
    ]
    assert sample.meta == {"conversation_id": 7}


def test_turns_come_in_the_order_of_their_numbers_and_none_is_nothing():
    none = {"Inner Thoughts": "<|Inner Thoughts|>: None<eot>\n", "Commands": "None", "Tool Responses": None}
    chat = {f"turn_{n}": {"Human": f"问{n}", "MOSS": f"答{n}", **none} for n in (10, 2, 1)}
    assert [text for _, text in said(read("moss", {"chat": chat}))] == [
        "问1",
        "答1",
        "问2",
        "答2",
        "问10",
        "答10",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Human": None}, "`Human` is null"),
        ({"Commands": "<|Commands|>: 搜一下<eoc>"}, "which is no call"),
        ({"Commands": "None"}, "`Tool Responses` without `Commands`"),
    ],
)
def test_turns_are_checked(change, message):
    with pytest.raises(FormatError, match=message):
        read("moss", {"chat": {"turn_1": {**TURN, **change}}})
