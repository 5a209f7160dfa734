import pytest

from tilth.errors import FormatError
from tilth.formats.turns import json_at, read_either, read_tools


def test_the_first_item_shows_the_spelling():
    spoken = read_either([{"from": "human", "value": "问"}], "prompt", "x")
    assert spoken == read_either([{"role": "user", "content": "问"}], "prompt", "x")


@pytest.mark.parametrize("value", [None, "", [], "[]"])
def test_no_tools(value):
    assert read_tools({"tools": value}, "x") is None


@pytest.mark.parametrize("text", ["{", "NaN", "1e999", "[" * 5000])
def test_json_text_must_be_json(text):
    with pytest.raises(FormatError, match="`tools` is no valid JSON text"):
        json_at(text, "tools", "x")
