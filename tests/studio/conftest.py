"""A small run with everything the studio shows, and a real server over it."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.loopback import running
from tilth.engine import run
from tilth.store.decisions import append, event
from tilth.store.files import read_jsonl, write_jsonl
from tilth.store.folder import RunFolder
from tilth.studio import app

EVIL = "<script>alert('坏')</script><img src=x onerror=alert(1)>"
RECIPE = """name: small
data:
  from: raw.jsonl
  format: coig_cqia
  max_quarantined: 0.5
  steps:
    - normalize.dates: {style: zh}
    - filter.length: {field: answer, min_chars: 4}
    - dedup.exact
    - split.grouped: {train: 0.5, test: 0.5, seed: 1}
  to: openai
"""


def record(question, answer, **more):
    return {"instruction": question, "input": "", "output": answer, "domain": ["常识"], **more}


def rows():
    yield record("冰箱门开着，房间会变凉吗？", "不会，冰箱向外排的热更多。这句写于2024-05-06。")
    yield record("水为什么不往高处走？", "因为重力。写于03/04/2024，说不清是几月。")
    yield record("影子有没有重量？", "没")
    yield record("冰箱门开着，房间会变凉吗？", "不会，冰箱向外排的热更多。这句写于2024-05-06。")
    yield record(EVIL, f"回答里也有{EVIL}", domain=[EVIL])
    for n in range(60):
        yield record(f"第{n}只猫为什么不排队？", f"第{n}只猫觉得自己就是队伍。")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A finished run: 63 kept, 2 dropped, 2 quarantined; trained and compared on paper."""
    place = tmp_path_factory.mktemp("studio")
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows()]
    broken = ['{"instruction": "没写完'.encode(), b'{"instruction": "\xff\xfe"}']
    (place / "raw.jsonl").write_bytes(b"\n".join([*lines, *broken]) + b"\n")
    (place / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    run(place / "recipe.yaml", place / "run", workers=1)
    made = RunFolder(place / "run")
    log = [{"step": n, "loss": 3 / n, **({"eval_loss": 2.5} if n % 2 else {})} for n in range(1, 6)]
    write_jsonl(made.model / "log.jsonl", log)
    answers = [
        {"place": "raw.jsonl:5", "side": side, "model": side, "text": f"{side} {EVIL}", "reason": ""}
        for side in ("before", "after")
    ]
    write_jsonl(made.report / "answers.jsonl", answers)
    ids = {line["place"]: line["id"] for line in read_jsonl(made.index)}
    votes = [("小李", "accept", 4), ("小王", "reject", 2)]
    append(
        made.decisions,
        (
            {**event(ids["raw.jsonl:5"], said, note=EVIL, ms=30_000, blind=True, scores={"helpful": n}), "person": who}
            for who, said, n in votes
        ),
    )  # fmt: skip
    return made


@pytest.fixture(scope="session")
def browser(folder):
    """A client of a studio on loopback."""
    with running(app(folder)) as url, httpx.Client(base_url=url) as client:
        yield client
