"""Defects in rows that are kept: form that a step repairs, and doubts that a step may only propose to settle.

People's data is made up in ranges that nobody owns: RFC 5737 addresses, example.com (RFC 2606), a county code that
GB/T 2260 does not assign.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.end_to_end.plants import HAN, Plant, Planter, Record, kept, proposed

_SPECIAL = re.compile("[`$<&>\u200d]|://")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _appended(record: Record, step: str, dirty: str, clean: str) -> Plant:
    want = (record["instruction"], record["output"] + clean)
    return kept(record, step, want, output=record["output"] + dirty)


def _is_plain(record: Record) -> bool:
    """No code, formula, address, markup or joined emoji that a planted defect could meet."""
    return not _SPECIAL.search(record["instruction"] + record["output"])


def _width(record: Record, rng: Random, other: Record) -> Plant | None:
    runs = [*re.finditer("[A-Za-z0-9]+", record["output"])]
    if not runs or not _is_plain(record):
        return None
    start, end = rng.choice(runs).span()
    answer = record["output"]
    wide = "".join(chr(ord(char) + 0xFEE0) for char in answer[start:end])
    return kept(record, "normalize.width", output=answer[:start] + wide + answer[end:])


def _quotes(record: Record, rng: Random, other: Record) -> Plant | None:
    answer = record["output"]
    pairs = re.findall("“([^“”]*)”", answer)
    chinese = all(re.search(f"[{HAN}]", inner) for inner in pairs)
    if not pairs or not chinese or "\n" in answer or not _is_plain(record):
        return None
    return kept(record, "normalize.quotes", output=re.sub("[“”]", '"', answer))


def _mojibake(record: Record, rng: Random, other: Record) -> Plant | None:
    key = rng.choice(["instruction", "output"])
    for codec in rng.sample(["gbk", "cp1252", "latin-1"], 3):
        try:
            broken = record[key].encode().decode(codec)
        except UnicodeDecodeError:
            continue
        return kept(record, "clean.fix_mojibake", **{key: broken}) if _is_plain(record) else None
    return None


def _html(record: Record, rng: Random, other: Record) -> Plant | None:
    question, answer = record["instruction"], record["output"]
    if not _is_plain(record) or "。" not in answer[:-1]:
        return None
    first, rest = answer.split("。", 1)
    dirty, want = rng.choice(
        [
            ((f"<p>{question}</p>", f'<div class="answer">{answer}</div>'), (question, answer)),
            ((question, f"<b>{first}</b>。{rest}"), (question, answer)),
            ((question, f"{first}。<br/>{rest}"), (question, f"{first}。\n{rest}")),
            ((question, f"{answer}（摘自 Q&amp;A 专栏）"), (question, f"{answer}（摘自 Q&A 专栏）")),
            ((question, f'{first}。<span style="color:#333">{rest}</span>'), (question, answer)),
        ]
    )
    return kept(record, "clean.strip_html", want, instruction=dirty[0], output=dirty[1])


def _boilerplate(record: Record, rng: Random, other: Record) -> Plant | None:
    name = rng.choice("晨昏山海风云") + rng.choice("话问答谈记")
    tail = rng.choice(
        [
            f"\n欢迎关注公众号：{name}",
            "\n长按识别下方二维码关注我们",
            "\n觉得有用的话，记得点赞、收藏、转发！",
            f"\n更多精彩内容，请关注公众号「{name}」。",
            "\n扫码加群，领取更多资料",
        ]
    )
    if rng.random() < 0.2:
        return kept(record, "clean.strip_boilerplate", instruction="如题，" + record["instruction"])
    return _appended(record, "clean.strip_boilerplate", tail, "")


def _split_words(record: Record, rng: Random, other: Record) -> Plant | None:
    """One space inside a word; never between two clauses of one length, which may be a couplet."""
    answer = record["output"]
    words = "不是|因为|没有|可以|这个|意思|只是|自己|时候|东西|如果|说明|名字|办法"
    places = [
        at
        for match in re.finditer(words, answer)
        for at in [match.start() + 1]
        if len(re.findall(f"[{HAN}]*$", answer[:at])[0]) != len(re.match(f"[{HAN}]*", answer[at:])[0])  # type: ignore[index]
    ]
    if not places or not _is_plain(record) or "\n" in answer:
        return None
    at = rng.choice(places)
    return kept(record, "clean.join_split_words", output=f"{answer[:at]} {answer[at:]}")


def _whitespace(record: Record, rng: Random, other: Record) -> Plant | None:
    question, answer = record["instruction"], record["output"]
    if "。" not in answer[:-1] or not _is_plain(record):
        return None
    first, rest = answer.split("。", 1)
    dirty, want = rng.choice(
        [
            (f"{first}。\r\n\r\n\r\n\r\n{rest}", f"{first}。\n\n{rest}"),
            (f"\n\n{answer} \t\r\n", answer),
            (f"{first}。  \n{rest}", f"{first}。\n{rest}"),
            (f"\u00a0\u00a0{answer}", answer),
        ]
    )
    return kept(record, "clean.squeeze_whitespace", (question, want), output=dirty)


def _invisible(record: Record, rng: Random, other: Record) -> Plant | None:
    answer = record["output"]
    if not _is_plain(record):
        return None
    for at in sorted(rng.sample(range(1, len(answer)), 3), reverse=True):
        answer = answer[:at] + rng.choice("\u200b\u200c\ufeff\u00ad\u2060\u202e\x07\x1f") + answer[at:]
    return kept(record, "clean.strip_invisible", output=answer)


def _punctuation(record: Record, rng: Random, other: Record) -> Plant | None:
    answer = re.sub(f"(?<=[{HAN}])，(?=[{HAN}])", ",", record["output"])
    if answer == record["output"] or not _is_plain(record):
        return None
    question = re.sub(f"(?<=[{HAN}])？$", "?", record["instruction"])
    return kept(record, "normalize.punctuation", instruction=question, output=answer)


def _markers(record: Record, rng: Random, other: Record) -> Plant | None:
    answer, n = record["output"], rng.randint(1, 9)
    if not answer.endswith("。") or not re.search(f"[{HAN}]。$", answer) or not _is_plain(record):
        return None
    dirty = rng.choice(
        [
            f"{answer[:-1]}[{n}]。",
            f"{answer}[citation:{n}]",
            f"{answer}【{n}†source】",
            f"助手：{answer}",
            f"Assistant: {answer}",
            f"{answer}<|im_end|>",
        ]
    )
    return kept(record, "clean.strip_markers", output=dirty)


def _date(record: Record, rng: Random, other: Record) -> Plant | None:
    year, month, day = rng.randint(1995, 2025), rng.randint(1, 12), rng.randint(1, 28)
    form = rng.choice(["{}/{:02}/{:02}", "{}-{:02}-{:02}", "{}.{}.{}"])
    dirty, clean = (f.format(year, month, day) for f in (form, "{}年{}月{}日"))
    return _appended(record, "normalize.dates", f"这条回答写于{dirty}。", f"这条回答写于{clean}。")


def _ambiguous_date(record: Record, rng: Random, other: Record) -> Plant | None:
    month, day = rng.sample(range(1, 13), 2)
    text = f"这条回答写于{month:02}/{day:02}/{rng.randint(1995, 2025)}。"
    return proposed(record, "normalize.dates", record["output"] + text)


def _currency(record: Record, rng: Random, other: Record) -> Plant | None:
    n = rng.randint(2, 999)
    dirty, clean = rng.choice(
        [(f"¥{n}", f"{n}元"), (f"￥{n}", f"{n}元"), (f"{n}块钱", f"{n}元"), (f"US${n}", f"{n}美元")]
    )
    return _appended(record, "normalize.currency", f"为这道题我花了{dirty}。", f"为这道题我花了{clean}。")


def _private(find: Callable[[Random], tuple[str, str]]) -> Planter:
    """A planter for one kind of personal data, glued to hanzi on both sides or at a sentence's end."""

    def planter(record: Record, rng: Random, other: Record) -> Plant | None:
        dirty, clean = find(rng)
        return _appended(record, "privacy.redact_pii", f"不明白就找{dirty}问我。", f"不明白就找{clean}问我。")

    return planter


def _resident_id(rng: Random) -> str:
    body = f"{rng.randint(11, 15)}0199{rng.randint(1950, 2005)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body += f"{rng.randint(0, 999):03}"
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, body, strict=True))
    return body + "10X98765432"[total % 11]


def _typo(record: Record, rng: Random, other: Record) -> Plant | None:
    sentence = rng.choice(
        [
            f"英语里可以说 I {rng.choice(['recieve', 'beleive'])} it。",
            f"英语里可以说 {rng.choice(['definately', 'untill', 'seperate'])}。",
            "想到这里，他既使不服气也笑了。",
            "大家迫不急待地想听下一题。",
            "必竟只是一道题。",
            "这是一个巧妙的的问题。",
        ]
    )
    return proposed(record, "denoise.spelling", record["output"] + sentence)


def _repeated(record: Record, rng: Random, other: Record) -> Plant | None:
    gap = rng.choice(["", "\n", "\n\n"])
    return proposed(record, "denoise.repeated_text", record["output"] + gap + record["output"])


def _merged(record: Record, rng: Random, other: Record) -> Plant | None:
    gap = rng.choice(["", "\n"])
    return proposed(record, "denoise.merged_answers", other["output"] + gap + record["output"])


REPAIRED: dict[str, Planter] = {
    "full_width": _width,
    "straight_quotes": _quotes,
    "split_words": _split_words,
    "mojibake": _mojibake,
    "ascii_punctuation": _punctuation,
    "html": _html,
    "whitespace": _whitespace,
    "markers": _markers,
    "invisible": _invisible,
    "boilerplate": _boilerplate,
    "date": _date,
    "ambiguous_date": _ambiguous_date,
    "currency": _currency,
    "phone": _private(lambda rng: (f"1990000{rng.randint(0, 9999):04}", "[电话]")),
    "email": _private(lambda rng: (f"reader{rng.randint(1, 999)}@example.com", "[邮箱]")),
    "resident_id": _private(lambda rng: (_resident_id(rng), "[身份证]")),
    "ip": _private(lambda rng: (f"203.0.113.{rng.randint(1, 254)}", "[IP]")),
    "qq": _private(lambda rng: (f"QQ：{rng.randint(10000, 99999)}", "QQ：[QQ]")),
    "typo": _typo,
    "repeated_text": _repeated,
    "merged_answer": _merged,
}
"""Kinds that change a row which is kept; the choosiest first, while many rows are left."""
