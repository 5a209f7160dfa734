"""A run folder written by hand."""

from __future__ import annotations

import pytest
import yaml

from tilth.store.files import write_json, write_jsonl, write_text
from tilth.store.folder import RunFolder

TRAIN = [
    ("水为什么不能往高处走", "因为重力把水拉向低处。"),
    ("镜子里的人为什么从不先打招呼", "镜像只会跟着你动，不会先动。"),
    ("影子有没有重量", "影子是没有光的地方，没有重量。"),
    ("昨天的明天算不算今天", "算，昨天的明天就是今天。"),
]
TEST = [
    ("水为什么不能往高处走呢", "重力使水流向低处。"),
    ("月亮会不会觉得冷", "月亮没有感觉，但背阳面很冷。"),
]


@pytest.fixture
def run(tmp_path):
    """A finished run in the `openai` format: four training samples, two test questions."""
    folder = RunFolder(tmp_path / "runs" / "riddles")
    index = []
    for side, pairs in (("train", TRAIN), ("test", TEST)):
        rows = []
        for line, (question, answer) in enumerate(pairs, start=1):
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            rows.append({"messages": turns})
            n = len(index) + 1
            about = {"id": f"{n:016x}", "place": f"raw.jsonl:{n}", "family": "", "split": side}
            index.append({"file": f"{side}.jsonl", "line": line, **about})
        write_jsonl(folder.side(side), rows)
    write_jsonl(folder.index, index)
    write_json(folder.run_json, {"status": "done"})
    write_text(folder.lock, yaml.safe_dump({"data": {"to": "openai"}, "compare": {"seed": 7}}))
    return folder
