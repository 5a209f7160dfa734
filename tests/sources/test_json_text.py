import pytest

from tilth.sources.json_text import parse


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b'{"a": "b', "the JSON ends too early"),
        (b'{"a": 1', "the JSON ends too early"),
        ('{"a": "问'.encode()[:-1] + b'"}', "invalid UTF-8 at byte 7"),
        (b"\xff{}", "invalid UTF-8 at byte 0"),
        (b'{"a": NaN}', "NaN is no JSON number (byte 6)"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number (byte 6)"),
        (b'{"a": 1e400}', "a number is too large to be read"),
        (b'{"a": ' + b"1" * 5000 + b"}", "a number is too large to be read"),
        (b'{"a": "\\ud83d"}', "half of a surrogate pair at byte 7"),
        (b'{"a": "x\ty"}', "a control character in the text must be escaped (byte 8)"),
        (b'{"a": 1,}', "no valid JSON: trailing comma in object (byte 8)"),
        (b"{} {}", "no valid JSON: trailing characters (byte 4)"),
        (b"{'a': 1}", "no valid JSON: object keys must be strings (byte 1)"),
        (b"[" * 300 + b"]" * 300, "the JSON is nested more than 200 levels deep"),
        (b'{"a":' * 100000, "the JSON is nested more than 200 levels deep"),
    ],
)
def test_what_is_wrong_is_said_in_words(raw, error):
    assert parse(raw) == (None, error)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        ('{"a": "\u2028"}'.encode(), {"a": "\u2028"}),
        (b'{"a": "\\ud83d\\ude00"}\r', {"a": "😀"}),
        (b"[" * 200 + b"]" * 200, None),
        (b'"' + b"[" * 999 + b'"', "[" * 999),
        (b"[" + b"[]," * 500 + b"[]]", [[]] * 501),
    ],
)
def test_what_is_json_is_read(raw, value):
    found, error = parse(raw)
    assert error == ""
    assert value is None or found == value
