"""Text out of a stream of ids: whole characters, and nothing behind a stop string."""

from __future__ import annotations

import pytest

from tilth.models.streaming import before_stop, texts


@pytest.mark.parametrize(
    ("pieces", "stops", "expected"),
    [
        (["春", "天"], (), ["春", "天"]),
        (["春天", "来了。", "完"], ("。",), ["春天", "来了"]),
        (["一##", "#二"], ("###",), ["一", ""]),
        (["一##", "二"], ("###",), ["一", "##二"]),
        (["甲乙丙"], ("丙", "乙"), ["甲"]),
        (["甲"], ("甲",), []),
        ([], ("甲",), []),
    ],
)
def test_before_stop(pieces, stops, expected):
    assert "".join(before_stop(pieces, stops)) == "".join(expected)


def test_what_may_be_a_stop_is_held_back():
    stream = before_stop(iter(["一##", "二"]), ("###",))
    assert next(stream) == "一"


class Bytes:
    """A tokenizer whose ids are bytes."""

    def decode(self, ids, skip_special_tokens=True):
        return bytes(ids).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (list("水a".encode()), ["水", "a"]),
        (list("🙂".encode()), ["🙂"]),
        (list("水".encode())[:2], ["\ufffd"]),
        ([], []),
    ],
)
def test_characters_come_whole(ids, expected):
    assert list(texts(Bytes(), ids)) == expected
