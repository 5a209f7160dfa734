"""Small run folders for the browser, made on the spot from records written here."""

from __future__ import annotations

import json
from pathlib import Path

from tests.browser.conftest import apart
from tilth.engine import run
from tilth.store.folder import RunFolder

EVIL = (
    "<script>document.title='坏'</script><img src=x onerror=\"document.title='坏'\">{{ 7*7 }}&amp;</textarea>"
)
RECIPE = """name: small
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - normalize.dates: {style: zh}
    - filter.length: {field: answer, min_chars: 4}
    - split.grouped: {train: 0.8, test: 0.2, seed: 1}
  to: openai
"""
THINGS = "猫狗云河灯书桥雪鱼钟门月山船花茶雨路星糖"
DOINGS = ("为什么不排队", "会不会做梦", "能不能退货", "算不算邻居", "需不需要充电")


def records(count: int) -> list[dict[str, object]]:
    """Questions nobody asked before: 20 things that do 5 doings, again and again with a number."""
    said = []
    for n in range(count):
        thing, doing = THINGS[n % 20], DOINGS[n // 20 % 5]
        said.append(
            {
                "instruction": f"第{n + 1}号：{thing}{doing}？",
                "input": "",
                "output": f"{thing}没有想过这件事。问的人把它当成了人，这是第{n + 1}个玩笑。",
                "domain": ["常识" if n % 3 else "自然"],
                "copyright": "ours",
            }
        )
    return said


def small_run(
    place: Path, count: int = 12, recipe: str = RECIPE, more: tuple[dict[str, object], ...] = ()
) -> RunFolder:
    """A finished run of `count` records, and of some more."""
    lines = [json.dumps(row, ensure_ascii=False) for row in [*records(count), *more]]
    (place / "raw.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "recipe.yaml").write_text(recipe, encoding="utf-8")
    apart(run, place / "recipe.yaml", place / "run", workers=1)
    return RunFolder(place / "run")


ASKING = """name: asking
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - annotate.person: {answers: ANSWERS}
  to: openai
"""


def held_run(
    place: Path, count: int = 12, more: tuple[dict[str, object], ...] = (), answers: int = 1
) -> RunFolder:
    """A run in which every sample waits for people."""
    return small_run(place, count, ASKING.replace("ANSWERS", str(answers)), more)
