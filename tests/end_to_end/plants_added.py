"""Rows that are added: copies, rows that say nothing, and lines that are no records."""

from __future__ import annotations

import json
import re
import unicodedata
from random import Random
from typing import Any

from tests.end_to_end.plants import HAN, Plant, Planter, Record, encode, proposed


def jaccard(a: str, b: str) -> float:
    """Shared 3-grams of the comparison texts (NFKC, casefold, letters and digits) divided by all of them."""
    x, y = (
        {text[at : at + 3] for at in range(len(text) - 2)}
        for text in (
            "".join(filter(str.isalnum, unicodedata.normalize("NFKC", t).casefold())) for t in (a, b)
        )
    )
    return len(x & y) / len(x | y)


def _conflict(record: Record, rng: Random, other: Record) -> Plant | None:
    copy = {**record, "human_verified": False}
    answer = f"这题没有陷阱，我数到{rng.randint(2, 9999)}就想通了，照字面回答就行。"
    return proposed(copy, "dedup.conflicts", answer)


def _dropped(step: str, reason: str, record: Record, **changes: Any) -> Plant:
    return Plant(encode({**record, **changes}), "dropped", step, reason)


def _exact(record: Record, rng: Random, other: Record) -> Plant | None:
    return _dropped("dedup.exact", "exact_duplicate", record, human_verified=False)


def _near(record: Record, rng: Random, other: Record) -> Plant | None:
    """A retold copy; `None` where the change makes it less than 0.75 like its original, by question or answer."""
    question = rng.choice(["请问", "问一下，", "求助："]) + record["instruction"]
    at = rng.randrange(len(record["output"]))
    answer = record["output"][:at] + record["output"][at + 1 :] + f"（第{rng.randint(2, 9999)}次转发）"
    if min(jaccard(question, record["instruction"]), jaccard(answer, record["output"])) < 0.75:
        return None
    changes = {"instruction": question, "output": answer, "human_verified": False}
    return _dropped("dedup.near", "near_duplicate", record, **changes)


def _refusal(record: Record, rng: Random, other: Record) -> Plant | None:
    answers = [
        "抱歉，我无法回答这个问题。",
        "很抱歉，作为一个人工智能语言模型，我不能回答这个问题。",
        "对不起，我不能提供相关帮助。如果您有其他问题，请随时告诉我。",
        "Sorry, I can't help with that.",
    ]
    return _dropped("filter.refusal", "refusal", record, output=rng.choice(answers))


def _empty_answer(record: Record, rng: Random, other: Record) -> Plant | None:
    return _dropped("filter.empty", "empty_answer", record, output=rng.choice(["", "  ", "\n", "……"]))


def _empty_question(record: Record, rng: Random, other: Record) -> Plant | None:
    return _dropped("filter.empty", "empty_question", record, instruction=rng.choice(["", " \t", "？"]))


def _short_answer(record: Record, rng: Random, other: Record) -> Plant | None:
    answer = rng.choice(["对。", "不是。", "可以", "会"])
    return _dropped("filter.length", "answer_too_short", record, output=answer)


def _unread(reason: str, line: bytes) -> Plant:
    return Plant(line, "quarantined", "read", reason)


def _wrong_type(record: Record, rng: Random, other: Record) -> Plant | None:
    value = rng.choice([rng.randint(0, 99), [record["output"]], {"text": record["output"]}, True])
    return _unread("wrong_shape", encode({**record, rng.choice(["instruction", "output"]): value}))


def _null(record: Record, rng: Random, other: Record) -> Plant | None:
    return _unread("wrong_shape", encode({**record, rng.choice(["instruction", "output"]): None}))


def _missing_key(record: Record, rng: Random, other: Record) -> Plant | None:
    lost = rng.choice(["instruction", "output"])
    return _unread("wrong_shape", encode({key: value for key, value in record.items() if key != lost}))


def _not_an_object(record: Record, rng: Random, other: Record) -> Plant | None:
    return _unread("wrong_shape", encode(rng.choice([[record["output"]], record["output"], 7, None])))


def _truncated(record: Record, rng: Random, other: Record) -> Plant | None:
    line = encode(record).decode()
    return _unread("unreadable", line[: rng.randint(2, len(line) - 1)].encode())


def _invalid_utf8(record: Record, rng: Random, other: Record) -> Plant | None:
    """A hanzi of the answer loses its last byte."""
    hanzi = rng.choice(re.findall(f"[{HAN}]", record["output"])).encode()
    return _unread("unreadable", encode(record).replace(hanzi, hanzi[:2], 1))


def _not_json(record: Record, rng: Random, other: Record) -> Plant | None:
    key, value = rng.choice([("metadata", "NaN"), ("output", "NaN"), ("metadata", '"\\ud83d"')])
    line = json.dumps({**record, key: "@"}, ensure_ascii=False).replace('"@"', value)
    return _unread("unreadable", line.encode())


def _blank(record: Record, rng: Random, other: Record) -> Plant | None:
    return Plant(rng.choice([b"", b"  ", b"\t", b"\r"]), "blank")


ADDED: dict[str, Planter] = {
    "exact_duplicate": _exact,
    "near_duplicate": _near,
    "conflicting_answer": _conflict,
    "refusal": _refusal,
    "empty_answer": _empty_answer,
    "empty_question": _empty_question,
    "short_answer": _short_answer,
    "null_field": _null,
    "wrong_type": _wrong_type,
    "missing_key": _missing_key,
    "not_an_object": _not_an_object,
    "truncated_line": _truncated,
    "invalid_utf8": _invalid_utf8,
    "not_json": _not_json,
    "blank_line": _blank,
}
"""Kinds that come as a row of their own, made from a clean one that stays."""
