import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.operators.json_text import is_json, within, within_value


def star(key, text):
    return text.replace("7", f"<{key}>")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 17, "b": [7, "x7", 8.50]}', '{"a": "1<a>", "b": ["<b>", "x<b>", 8.50]}'),
        ('{ "k7" :true,\n\t"n": null }', '{ "k<>" :true,\n\t"n": null }'),
        (r'{"a": "行\n7\"\\", "b": "\u4e09"}', r'{"a": "行\n<a>\"\\", "b": "\u4e09"}'),
        (r'{"a": "{\"b\": 7}"}', r'{"a": "{\"b\": \"<b>\"}"}'),
        (r'{"a": "\ud800 7"}', r'{"a": "\ud800 <a>"}'),
        ('{"a": 1, "a": 1e3}', '{"a": 1, "a": 1e3}'),
    ],
)
def test_only_what_changes_is_written_anew(before, after):
    assert within(before, star) == after
    json.loads(after)


@pytest.mark.parametrize(
    "text", ["", "[1] 见注释", "{'a': 1}", '{"a": 1', '"7"', "7", "[" * 100_000 + "]", "{a}"]
)
def test_what_is_no_json(text):
    assert not is_json(text)


def test_a_value_in_which_nothing_changes_is_the_same():
    value = {"a": [1, None, True, {"b": "x"}]}
    assert within_value(value, star) is value
    assert within_value({"a": (7, "17"), "b": "[7]"}, star) == {"a": ["<a>", "1<a>"], "b": '["<>"]'}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), VALUES), st.booleans())
def test_json_stays_json(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert within(text, lambda key, said: said) == text
    json.loads(within(text, star))
