"""Small runs that tests make on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

QUESTIONS = (
    "水龙头开久了会不会把大海放干？",
    "镜子里的人为什么从来不先打招呼？",
    "影子怕不怕黑？",
    "昨天的明天算不算今天？",
    "一斤铁和一斤棉花哪个占地方？",
    "钟停了，时间是不是也歇了？",
    "把冰箱门打开，房间会变凉吗？",
    "鱼会不会口渴？",
    "半夜十二点算今天还是明天？",
    "地球是圆的，为什么我站得住？",
    "回声为什么总要学我说话？",
    "盲盒在打开之前算不算礼物？",
)


def record(question: str, answer: str = "", **more) -> dict:
    answer = answer or f"这要分两层来看：{question[:-1]}，字面上和实际上并不是一回事。"
    return {
        "instruction": question,
        "input": "",
        "output": answer,
        "answer_from": "human",
        "domain": ["常识"],
        **more,
    }


def lines(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def project(tmp_path) -> Callable[..., SimpleNamespace]:
    """Writes raw.jsonl and recipe.yaml; returns their paths and the folder for the run."""

    def make(source: str | bytes, steps: str = "", to: str = "openai", **top: str) -> SimpleNamespace:
        raw = tmp_path / "raw.jsonl"
        raw.write_bytes(source if isinstance(source, bytes) else source.encode("utf-8"))
        recipe = tmp_path / "recipe.yaml"
        body = "".join(f"    {line}\n" for line in steps.strip().splitlines()) or "    []\n"
        data = "".join(f"  {key}: {value}\n" for key, value in top.items())
        text = (
            f"name: small\ndata:\n  from: raw.jsonl\n  format: coig_cqia\n{data}  steps:\n{body}  to: {to}\n"
        )
        recipe.write_text(text, encoding="utf-8")
        return SimpleNamespace(raw=raw, recipe=recipe, out=tmp_path / "run", folder=tmp_path)

    return make
