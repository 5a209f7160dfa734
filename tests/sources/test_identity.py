import json
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import FormatError
from tilth.sources.identity import record_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def by_definition(record):
    """DESIGN §3.1, word for word."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return blake2b(text.encode("utf-8"), digest_size=8).hexdigest()


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_not_a_byte_differs_from_the_definition(record):
    assert record_id(record) == by_definition(record)


@pytest.mark.parametrize(
    "record",
    [1e16, 1e-7, -0.0, 0.1, 2**64, -(10**40), '\x7f\u2028/\\"\x00', {"\uffff": 1, "😀": 2}, (1, 2), {1: 2}],
)
def test_values_that_libraries_write_in_their_own_way(record):
    assert record_id({"a": [record]}) == by_definition({"a": [record]})


def test_the_order_of_keys_does_not_matter():
    assert record_id({"问": 1, "答": {"甲": 2, "乙": 3}}) == record_id({"答": {"乙": 3, "甲": 2}, "问": 1})
    assert record_id({"问": 1}) != record_id({"问": 1.0})


@pytest.mark.parametrize(
    "record", [float("nan"), {"a": float("inf")}, {"a": "\ud800"}, {"\udc00": 1}, {"a": {1, 2}}]
)
def test_what_json_cannot_say_is_refused(record):
    with pytest.raises(FormatError, match="cannot be written as JSON"):
        record_id(record)


def test_endless_nesting_is_refused():
    record = []
    record.append(record)
    with pytest.raises(FormatError, match="cannot be written as JSON"):
        record_id(record)
