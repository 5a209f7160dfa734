"""The data half works with the core dependencies alone, and heavy things come late."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "fastapi",
    "starlette",
    "uvicorn",
    "openai",
    "numpy",
    "tokenizers",
)

RECIPE = """
name: core
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - clean.strip_html
    - clean.join_split_words
    - filter.empty
    - dedup.near
    - split.grouped: {train: 0.5, test: 0.5}
  to: openai
"""


def python(code: str, cwd) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_imports_nothing_heavy(tmp_path):
    out = python(
        "import sys, json, tilth, tilth.cli.app; tilth.cli.app.app; print(json.dumps(sorted(sys.modules)))",
        tmp_path,
    )
    loaded = {name.split(".")[0] for name in json.loads(out)}
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_command_is_put_together_without_the_others(tmp_path):
    code = (
        "import sys, json, tilth.cli.app as line\n"
        "sys.argv = ['tilth', 'status', 'nowhere']\n"
        "try: line.main()\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)))"
    )
    loaded = {name for name in json.loads(python(code, tmp_path)) if name.startswith("tilth.cli.")}
    assert loaded == {"tilth.cli.app", "tilth.cli.status", "tilth.cli.terminal"}


def test_a_run_needs_no_training_library(tmp_path):
    questions = [
        "水为什么不能往高处走？",
        "镜子里的人为什么从不先打招呼？",
        "影子有没有重量？",
        "昨天的明天算不算今天？",
    ]
    rows = [
        {"instruction": q, "input": "", "output": f"<p>这要看 你怎么 理解第{i}个问题。</p>"}
        for i, q in enumerate(questions)
    ]
    (tmp_path / "raw.jsonl").write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    code = (
        "import sys, json\n"
        "from tilth.engine import run\n"
        "result = run('recipe.yaml', 'out', workers=1)\n"
        "print(json.dumps([result['counts'], sorted(sys.modules)]))"
    )
    counts, loaded = json.loads(python(code, tmp_path))
    assert counts["taken"] == counts["kept"] == 4
    assert {name.split(".")[0] for name in loaded}.isdisjoint(set(HEAVY) - {"numpy"})
