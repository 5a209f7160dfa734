"""Makes the rows of the job: word salad in the COIG-CQIA shape, with the faults that real collections have."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed.words import Words

EXACT, NEAR = 0.20, 0.10
"""Shares of all rows that repeat an earlier one, and that repeat it with a word more."""
BROKEN = 0.0008
ENGLISH = 0.3
REMEMBERED = 5_000
"""Earlier rows that a duplicate may repeat: a fixed number, so that any number of rows needs the same memory."""

Row = dict[str, Any]
_WIDE = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1) if chr(code).isalnum()}
_CALLS = ("扫码关注公众号", "点赞收藏转发", "更多精彩内容请关注我们", "长按识别二维码", "转载请注明出处")


def write_rows(path: Path, rows: int, seed: int) -> None:
    """Write so many lines, one after the other; the same number and seed give the same bytes."""
    with path.open("wb") as handle:
        handle.writelines(line + b"\n" for line in lines(rows, seed))


def lines(rows: int, seed: int) -> Iterator[bytes]:
    """The lines of the file: 0.08 % broken ones among them, one blank and, last, one that is no UTF-8."""
    rng = random.Random(seed)
    made = records(rng)
    for index in range(rows):
        if index == rows - 1:
            yield _json(next(made)).replace(b'"output"', b'"out\xff\xfeput"')
        elif index == rows // 2:
            yield b""
        elif rng.random() < BROKEN:
            yield _broken(rng, next(made))
        else:
            yield _json(next(made))


def records(rng: random.Random) -> Iterator[Row]:
    """Records without end: fresh ones, and repetitions of those remembered."""
    chinese, english = Words(rng, chinese=True), Words(rng, chinese=False)
    earlier: list[Row] = []
    while True:
        kind = rng.random()
        if earlier and kind < EXACT:
            yield rng.choice(earlier)
        elif earlier and kind < EXACT + NEAR:
            yield _near(rng, rng.choice(earlier))
        else:
            row = _fresh(rng, english, " ") if rng.random() < ENGLISH else _fresh(rng, chinese, "")
            if len(earlier) < REMEMBERED:
                earlier.append(row)
            else:
                earlier[rng.randrange(REMEMBERED)] = row
            yield row


def _fresh(rng: random.Random, words: Words, gap: str) -> Row:
    question = gap.join(words.draw(rng.randint(5, 18))) + ("?" if gap else "？")
    long = min(int(rng.lognormvariate(4.8, 0.6)), 1_500)
    answer = _sentences(rng, words.draw(max(long, 20)), gap)
    for share, fault in FAULTS:
        if rng.random() < share:
            question, answer = fault(rng, question, answer)
    return {
        "instruction": question,
        "input": "",
        "output": answer,
        "task_type": {"major": ["问答"], "minor": [rng.choice(("常识", "逻辑", "写作"))]},
        "domain": [rng.choice(("通用", "历史", "科技", "生活"))],
        "metadata": "made by a program",
        "answer_from": rng.choice(("human", "llm")),
        "human_verified": rng.random() < 0.3,
        "copyright": "none",
    }


def _sentences(rng: random.Random, words: list[str], gap: str) -> str:
    comma, stop = (", ", ". ") if gap else ("，", "。")
    parts: list[str] = []
    while words:
        length = rng.randint(4, 12)
        parts += [gap.join(words[:length]), rng.choice((comma, stop))]
        words = words[length:]
    return "".join([*parts[:-1], stop]).strip()


def _html(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    half = len(answer) // 2
    marked = f"<p>{answer[:half]}<br/>&nbsp;<b>{answer[half:]}</b></p>"
    return question, marked + '<p class="end">&copy;</p>' if rng.random() < 0.3 else marked


def _advertised(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    return question, f"{answer}\n{rng.choice(_CALLS)}！"


def _personal(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    phone = f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
    return question, f"{answer}\n电话{phone}，邮箱user{rng.randrange(1000)}@example.com。"


def _wide(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    return question + f"ABC{rng.randrange(100)}".translate(_WIDE), answer.translate(_WIDE)


def _filled(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    return f"如题，{question}", f"{answer}   \n\n\n\n{rng.choice('嗯哦啊')}"


def _repeated(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    return question, answer[:12] * rng.randint(20, 40)


def _shortened(rng: random.Random, question: str, answer: str) -> tuple[str, str]:
    return question, answer[: rng.randint(0, 6)]


FAULTS: tuple[tuple[float, Callable[[random.Random, str, str], tuple[str, str]]], ...] = (
    (0.03, _repeated),
    (0.03, _shortened),
    (0.10, _wide),
    (0.05, _filled),
    (0.08, _personal),
    (0.10, _advertised),
    (0.15, _html),
)
"""Share of the fresh rows, and what is done to them; a row may have several. Markup comes last: nothing spoils it."""


def _near(rng: random.Random, row: Row) -> Row:
    at = rng.randint(0, len(row["output"]))
    return {**row, "output": f"{row['output'][:at]}{rng.choice('又再也还')}{row['output'][at:]}"}


def _broken(rng: random.Random, row: Row) -> bytes:
    kind = rng.randrange(3)
    if kind == 0:
        line = _json(row)
        return line[: line.index(b'"output"') + 12]
    return _json([row["instruction"]] if kind == 1 else {**row, "output": len(row["output"])})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
