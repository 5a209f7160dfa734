"""The run: doors that add up, resume, restore, and bytes that depend on nothing but the input."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tilth.engine import restore, run
from tilth.errors import FolderError, RecipeError, TilthError, UserError
from tilth.store.lock import locked

STEPS = """
- clean.strip_html
- filter.length: {field: answer, min_chars: 3}
- dedup.exact
- dedup.near
- measure.length
- split.grouped: {train: 0.6, test: 0.4, seed: 7}
"""

PLUGIN = '''
from tilth.operators.base import operator
from tilth.sample import Hold, Made, Sample


@operator("mine.trip")
def trip(sample: Sample, *, word: str) -> Sample:
    """Fail on one word."""
    if word in sample.question:
        raise ZeroDivisionError("tripped")
    return sample


@operator("mine.twin")
def twin(sample: Sample) -> list:
    """Make a second sample of each."""
    return [sample, Made(sample.messages)]


@operator("mine.wait")
def wait(sample: Sample, *, word: str) -> Sample | Hold:
    """Hold samples with a word."""
    return Hold("asked_a_person") if word in sample.question else sample
'''


def everything(folder: Path) -> dict[str, bytes]:
    """The files whose bytes are promised (DESIGN §3.8), and run.json without what may differ."""
    names = ["dropped.jsonl", "quarantined.jsonl", "held.jsonl", "splits.jsonl", "recipe.lock.yaml"]
    found = {name: (folder / name).read_bytes() for name in names}
    found |= {str(p.relative_to(folder)): p.read_bytes() for p in sorted((folder / "data").iterdir())}
    summary = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    summary.pop("timings")
    for step in summary["steps"]:
        step.pop("seconds")
    return {**found, "run.json": json.dumps(summary).encode()}


def balanced(counts: dict) -> bool:
    left = counts["kept"] + counts["dropped"] + counts["quarantined"] + counts["held"]
    return counts["taken"] + counts["made"] == left


def test_every_sample_leaves_by_one_door(project):
    rows = [*map(record, QUESTIONS), record("太短了吗？", "是"), record(QUESTIONS[0])]
    p = project(lines(rows) + "\n\n", STEPS)
    result = run(p.recipe, p.out)
    counts = result["counts"]
    assert balanced(counts)
    assert (counts["taken"], counts["kept"], counts["dropped"], counts["blank"]) == (14, 12, 2, 2)
    assert sum(result["splits"].values()) == 12
    dropped = {row["place"]: row for row in rows_of(p.out / "dropped.jsonl")}
    assert dropped["raw.jsonl:13"]["reason"] == "answer_too_short"
    assert dropped["raw.jsonl:14"]["reason"] == "exact_duplicate"
    assert dropped["raw.jsonl:14"]["evidence"]["same_as"] == "raw.jsonl:1"
    for step in result["steps"]:
        assert (
            step["taken"] + step["made"]
            == step["kept"] + step["dropped"] + step["quarantined"] + step["held"]
        )


def test_a_bad_entry_harms_no_neighbour(project):
    good = [json.dumps(record(q), ensure_ascii=False).encode() for q in QUESTIONS * 10]
    bad = [
        b'{"instruction": null, "input": "", "output": "x"}',
        b'{"instruction": "cut',
        b'{"instruction": "\xff", "output": "x"}',
    ]
    p = project(b"\n".join([*good[:50], *bad, *good[50:]]))
    result = run(p.recipe, p.out)
    assert result["status"] == "done"
    assert result["counts"]["kept"] == 120
    held = rows_of(p.out / "quarantined.jsonl")
    assert [row["place"] for row in held] == ["raw.jsonl:51", "raw.jsonl:52", "raw.jsonl:53"]
    assert "`instruction` is null" in held[0]["error"]
    assert held[1]["raw"] == '{"instruction": "cut'
    assert "raw_base64" in held[2]


def test_too_many_bad_entries_fail_the_run_and_everything_is_still_written(project):
    p = project(lines(map(record, QUESTIONS)) + "{broken\n" * 2)
    result = run(p.recipe, p.out)
    assert result["status"] == "failed"
    assert balanced(result["counts"])
    assert len(rows_of(p.out / "data" / "train.jsonl")) == 12
    assert "2 of 14" in result["reason"]
    assert run(project(p.raw.read_bytes(), max_quarantined="0.2").recipe, p.out)["status"] == "done"


@pytest.mark.parametrize("source", ["", "\n\n", "[]"])
def test_an_empty_input_fails_and_says_so(project, source):
    p = project(source)
    result = run(p.recipe, p.out)
    assert result["status"] == "failed"
    assert "nothing was kept" in result["reason"]
    assert (p.out / "data" / "train.jsonl").read_bytes() == b""


def test_a_second_run_does_nothing(project):
    p = project(lines(map(record, QUESTIONS)), STEPS)
    run(p.recipe, p.out)
    before = {
        path: path.stat().st_mtime_ns for path in p.out.rglob("*") if path.is_file() and path.name != ".lock"
    }
    run(p.recipe, p.out)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_lost_output_is_written_again(project):
    p = project(lines(map(record, QUESTIONS)), STEPS)
    run(p.recipe, p.out)
    whole = everything(p.out)
    (p.out / "data" / "train.jsonl").unlink()
    run(p.recipe, p.out)
    assert everything(p.out) == whole


def test_the_number_of_workers_changes_nothing(project, monkeypatch):
    p = project(
        lines(record(f"{q}第{i}问", f"第{i}个回答：{q}") for i in range(40) for q in QUESTIONS), STEPS
    )
    from tilth.sources import plan

    monkeypatch.setattr("tilth.engine.inputs.plan", lambda specs: plan(specs, shard_bytes=16_000))
    run(p.recipe, p.out, workers=1)
    assert len(list((p.out / "steps" / "stage-01").glob("done-*.json"))) > 3
    run(p.recipe, p.folder / "two", workers=2)
    assert everything(p.out) == everything(p.folder / "two")


@pytest.mark.parametrize("to", ["csv", "openai"])
def test_the_cut_into_shards_changes_no_file_of_the_data(project, monkeypatch, to):
    p = project(
        lines(record(f"{q}第{i}问", f"第{i}个回答：{q}") for i in range(10) for q in QUESTIONS), STEPS, to
    )
    run(p.recipe, p.out, workers=1)
    from tilth.sources import plan

    monkeypatch.setattr("tilth.engine.inputs.plan", lambda specs: plan(specs, shard_bytes=8_000))
    run(p.recipe, p.folder / "cut", workers=1)
    assert len(list((p.folder / "cut" / "steps" / "stage-01").glob("done-*.json"))) > 2
    assert everything(p.folder / "cut") == everything(p.out)


class Killed(BaseException):
    """Stands for a kill between two writes."""


def test_killed_at_any_write_the_next_run_gives_the_same_bytes(project, monkeypatch):
    p = project(lines([*map(record, QUESTIONS), record(QUESTIONS[3])]), STEPS)
    run(p.recipe, p.folder / "whole")
    expected = everything(p.folder / "whole")
    original, writes = Path.replace, 0

    def dying(limit):
        def replace(self, target):
            nonlocal writes
            writes += 1
            if writes > limit:
                raise Killed
            return original(self, target)

        return replace

    for limit in range(100):
        writes, out = 0, p.folder / f"killed-{limit}"
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying(limit))
            try:
                run(p.recipe, out)
            except Killed:
                pass
            else:
                break
        run(p.recipe, out)
        assert everything(out) == expected, f"killed after write {limit}"
    assert 15 < limit < 99


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_for_real_the_next_run_gives_the_same_bytes(project):
    p = project(
        lines(record(f"{q}（{i}）", f"第{i}个回答：{q}") for i in range(150) for q in QUESTIONS), STEPS
    )
    run(p.recipe, p.folder / "whole")
    moments = random.Random(5)
    for _ in range(4):
        command = [sys.executable, "-m", "tilth.cli.app", "run", str(p.recipe), "--out", str(p.out)]
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        )
        time.sleep(0.3 + moments.random())
        child.send_signal(signal.SIGKILL)
        child.wait()
    run(p.recipe, p.out)
    assert everything(p.out) == everything(p.folder / "whole")
    assert not list(p.out.rglob("*.tmp"))


def test_a_changed_set_step_neither_walks_nor_observes_the_samples_again(project, monkeypatch):
    p = project(lines(map(record, QUESTIONS)), STEPS)
    run(p.recipe, p.out)
    walked = p.out / "steps" / "stage-02" / "done-00000.json"
    stamp = walked.stat().st_mtime_ns
    monkeypatch.setattr("tilth.operators.grouped.Grouped.observe_many", None)
    monkeypatch.setattr("tilth.operators.grouped.Grouped.observe", None)
    text = p.recipe.read_text(encoding="utf-8").replace("train: 0.6, test: 0.4", "train: 0.5, test: 0.5")
    p.recipe.write_text(text, encoding="utf-8")
    run(p.recipe, p.out)
    assert walked.stat().st_mtime_ns == stamp
    assert len(list((p.out / "history").iterdir())) == 1
    assert balanced(json.loads((p.out / "run.json").read_text(encoding="utf-8"))["counts"])
    assert not rows_of(p.out / "quarantined.jsonl")


def test_old_sides_stay_when_the_data_grows(project):
    p = project(lines(map(record, QUESTIONS[:6])), STEPS)
    run(p.recipe, p.out)
    old = {row["id"]: row["side"] for row in rows_of(p.out / "splits.jsonl")}
    p.raw.write_text(lines(map(record, QUESTIONS)), encoding="utf-8")
    result = run(p.recipe, p.out)
    new = {row["id"]: row["side"] for row in rows_of(p.out / "splits.jsonl")}
    assert len(new) == 12
    assert {key: new[key] for key in old} == old
    assert result["moved"] == []


def test_restore_brings_a_sample_back(project):
    p = project(lines([*map(record, QUESTIONS), record("太短了吗？", "是")]), STEPS)
    run(p.recipe, p.out)
    assert [e["step"] for e in restore(p.out, "raw.jsonl:13")] == ["filter.length"]
    result = run(p.recipe, p.out)
    assert result["counts"]["dropped"] == 0
    assert "raw.jsonl:13" in {row["place"] for row in rows_of(p.out / "data" / "index.jsonl")}


def test_restore_by_reason_exempts_from_a_set_step(project):
    p = project(lines([*map(record, QUESTIONS), record(QUESTIONS[0]), record(QUESTIONS[1])]), STEPS)
    assert run(p.recipe, p.out)["counts"]["dropped"] == 2
    events = restore(p.out, reason="exact_duplicate")
    assert {(e["place"], e["step"]) for e in events} == {
        (place, step) for place in ("raw.jsonl:13", "raw.jsonl:14") for step in ("dedup.exact", "dedup.near")
    }
    assert run(p.recipe, p.out)["counts"]["dropped"] == 0


@pytest.mark.parametrize("line", ["[1]", "hello", '{"id": "a", "side": "banana"}', "\udcff"])
def test_a_wrong_side_is_named_and_can_be_mended(project, line):
    p = project(lines(map(record, QUESTIONS)), STEPS)
    run(p.recipe, p.out)
    good = (p.out / "splits.jsonl").read_bytes()
    (p.out / "splits.jsonl").write_bytes(line.encode("utf-8", "surrogateescape") + b"\n" + good)
    with pytest.raises(FolderError, match=r"splits\.jsonl:1 is no side"):
        run(p.recipe, p.out)
    (p.out / "splits.jsonl").write_bytes(good)
    assert run(p.recipe, p.out)["status"] == "done"


@pytest.mark.parametrize(
    "name", ["data/train.jsonl", "dropped.jsonl", "recipe.lock.yaml", "steps/done.json", "run.json"]
)
def test_a_damaged_file_is_written_again(project, name):
    p = project(lines(map(record, QUESTIONS)), STEPS)
    run(p.recipe, p.out)
    whole = everything(p.out)
    (p.out / name).write_text("{", encoding="utf-8")
    run(p.recipe, p.out)
    assert everything(p.out) == whole


def with_plugin(project, name: str, source: str, steps: str):
    """A project whose recipe names a plugin file."""
    p = project(lines(map(record, QUESTIONS)), steps)
    (p.folder / name).write_text(source, encoding="utf-8")
    p.recipe.write_text(f"plugins: [{name}]\n" + p.recipe.read_text(encoding="utf-8"), encoding="utf-8")
    return p


@pytest.fixture
def plugin(project):
    return partial(with_plugin, project, "mine.py", PLUGIN)


def test_an_operator_that_fails_quarantines_one_sample_with_its_bytes(plugin):
    p = plugin("- mine.trip: {word: 影子}")
    result = run(p.recipe, p.out)
    assert result["counts"]["kept"] == 11
    (line,) = rows_of(p.out / "quarantined.jsonl")
    assert line["error"] == "ZeroDivisionError: tripped"
    assert json.loads(line["raw"])["instruction"] == "影子怕不怕黑？"


@pytest.mark.parametrize("before", ["", "- dedup.exact\n"])
def test_a_sample_that_fails_in_a_later_stage_keeps_its_bytes_too(plugin, before):
    p = plugin(f"- clean.squeeze_whitespace\n{before}- mine.trip: {{word: 影子}}")
    run(p.recipe, p.out)
    (line,) = rows_of(p.out / "quarantined.jsonl")
    assert line["step"] == "mine.trip"
    assert line["raw"] == json.dumps(record("影子怕不怕黑？"), ensure_ascii=False)


def test_an_edited_plugin_reruns_its_step(plugin):
    p = plugin("- mine.trip: {word: 影子}")
    assert run(p.recipe, p.out)["counts"]["quarantined"] == 1
    (p.folder / "mine.py").write_text(PLUGIN.replace("if word in", "if False and word in"), encoding="utf-8")
    assert run(p.recipe, p.out)["counts"]["quarantined"] == 0
    (p.folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    assert run(p.recipe, p.out)["counts"]["quarantined"] == 1


def test_a_fault_of_the_recipe_stops_the_run_instead_of_every_sample(project):
    p = project(lines(map(record, QUESTIONS)), "- filter.by_signal: {signal: nowhere, min: 1}")
    with pytest.raises(UserError, match="filter.by_signal"):
        run(p.recipe, p.out)


def test_topics_before_and_after(project):
    rows = [record(q, domain=["物理" if i % 2 else "语言"]) for i, q in enumerate(QUESTIONS)]
    p = project(lines([*rows, record("太短了吗？", "是", domain=["语言"])]), STEPS)
    run(p.recipe, p.out)
    facts = json.loads((p.out / "report" / "data.json").read_text(encoding="utf-8"))
    assert facts["coverage"] == [
        {"topic": "语言", "before": 7, "after": 6},
        {"topic": "物理", "before": 6, "after": 6},
    ]


def test_topics_that_the_source_does_not_name_come_from_the_questions(project):
    asked = [(q, "") for q in (*QUESTIONS, "影子怕不怕狗？", "鱼怕不怕狗？")] + [("影子怕不怕水？", "是")]
    unnamed = {"domain": [], "task_type": {"major": ["问答"]}}
    p = project(lines(record(*pair, **unnamed) for pair in asked), STEPS)
    run(p.recipe, p.out)
    coverage = json.loads((p.out / "report" / "data.json").read_text(encoding="utf-8"))["coverage"]
    assert "问答" not in [row["topic"] for row in coverage]
    assert [sum(row[key] for row in coverage) for key in ("before", "after")] == [15, 14]


ODD = '''
from dataclasses import dataclass
from typing import ClassVar
import sys
import numpy as np
from tilth.operators.base import operator, set_operator
from tilth.sample import Assign, Drop, Made


RETURNS = {
    "nothing": lambda s: None,
    "number": lambda s: 5,
    "word": lambda s: "x",
    "list of numbers": lambda s: [1, 2],
    "twice": lambda s: [s, s],
    "moved": lambda s: s.replace(place="elsewhere:1"),
    "surrogate": lambda s: s.replace(meta={"a": chr(0xD800)}),
    "object": lambda s: s.replace(signals={"a": object()}),
    "numpy": lambda s: Drop("odd", {"a": np.float32(1)}),
    "role": lambda s: s.replace(messages=(s.messages[0].replace(role="boss"),)),
    "exit": lambda s: sys.exit(3),
    "bad words": lambda s: [][chr(0xD800)],
}


@operator("odd.one")
def one(sample, *, way: str):
    """Return something odd for one sample."""
    return RETURNS[way](sample) if "影子" in sample.question else sample


SAYS = {
    "raises": lambda facts, read: 1 / 0,
    "nothing": lambda facts, read: None,
    "unknown": lambda facts, read: [("x:1", Drop("odd"))],
    "reads unknown": lambda facts, read: [read("x:1")],
    "word": lambda facts, read: [(facts.places[0], "drop")],
    "side": lambda facts, read: [(facts.places[0], Assign("banana"))],
}


@set_operator("odd.all")
@dataclass(frozen=True)
class All:
    """Decide something odd."""
    way: str
    fact: ClassVar[type] = np.int8

    def observe(self, sample):
        return 0

    def decide(self, facts, read):
        return SAYS[self.way](facts, read)
'''

WAYS = (
    "nothing",
    "number",
    "word",
    "list of numbers",
    "twice",
    "moved",
    "surrogate",
    "object",
    "numpy",
    "role",
    "exit",
    "bad words",
)


@pytest.fixture
def odd(project):
    return partial(with_plugin, project, "odd.py", ODD)


@pytest.mark.parametrize("way", WAYS)
def test_an_odd_return_value_quarantines_one_sample(odd, way):
    p = odd(f"- odd.one: {{way: {way}}}\n- dedup.near")
    result = run(p.recipe, p.out, assignments=["data.max_quarantined=0.2"])
    assert (result["status"], result["counts"]["kept"]) == ("done", 11)
    (line,) = rows_of(p.out / "quarantined.jsonl")
    assert (line["place"], line["step"]) == ("raw.jsonl:3", "odd.one")


@pytest.mark.parametrize("way", ["raises", "nothing", "unknown", "reads unknown", "word", "side"])
def test_an_odd_decision_stops_the_run_and_names_the_step(odd, way):
    p = odd(f"- odd.all: {{way: {way}}}")
    with pytest.raises(TilthError, match=r"odd\.all"):
        run(p.recipe, p.out)


def test_a_restoration_follows_its_sample_to_another_line(project):
    rows = [*map(record, QUESTIONS), record("甲太短？", "是"), record("乙太短？", "否")]
    p = project(lines(rows), STEPS)
    run(p.recipe, p.out)
    restore(p.out, "raw.jsonl:14")
    p.raw.write_text(lines([record("新来的第一行是什么？"), *rows]), encoding="utf-8")
    run(p.recipe, p.out)
    assert [row["place"] for row in rows_of(p.out / "dropped.jsonl")] == ["raw.jsonl:14"]
    assert "raw.jsonl:15" in {row["place"] for row in rows_of(p.out / "data" / "index.jsonl")}


def test_made_samples_follow_their_parent(plugin):
    p = plugin("- mine.twin\n- split.grouped: {train: 0.5, test: 0.5}")
    result = run(p.recipe, p.out)
    assert (result["counts"]["made"], result["counts"]["kept"]) == (12, 24)
    index = rows_of(p.out / "data" / "index.jsonl")
    children = [row for row in index if "/mine.twin#0" in row["place"]]
    parents = {row["place"]: row for row in index}
    for child in children:
        parent = parents[child["place"].split("/")[0]]
        assert child["family"] == parent["id"] != child["id"]
        assert child["split"] == parent["split"]


def test_a_held_sample_makes_the_run_wait(plugin):
    p = plugin("- mine.wait: {word: 影子}")
    result = run(p.recipe, p.out)
    assert result["status"] == "waiting"
    assert [row["reason"] for row in rows_of(p.out / "held.jsonl")] == ["asked_a_person"]


def test_a_folder_takes_one_run_at_a_time(project):
    p = project(lines(map(record, QUESTIONS)))
    with locked(p.out), pytest.raises(FolderError, match="another `tilth` works in"):
        run(p.recipe, p.out)


def test_a_sample_the_target_cannot_carry_is_quarantined(project):
    rows = [
        json.dumps({"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "好。"}]})
        for q in QUESTIONS * 2
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    odd = json.dumps(
        {
            "messages": [{"role": "user", "content": "天气"}, {"role": "assistant", "content": "晴"}],
            "tools": tools,
        }
    )
    p = project("\n".join([*rows, odd]), to="xtuner")
    result = run(p.recipe, p.out, assignments=["data.format=openai"])
    assert result["steps"][-1]["quarantined"] == 1
    assert rows_of(p.out / "quarantined.jsonl")[0]["step"] == "write"
    assert balanced(result["counts"])


def test_limit_and_checkpoints_are_lines_that_anyone_can_read(project):
    p = project(lines(map(record, QUESTIONS)))
    assert run(p.recipe, p.out, limit=5)["counts"]["taken"] == 5
    assert len(rows_of(p.out / "steps" / "stage-01" / "kept-00000.jsonl")) == 5


def test_a_bad_recipe_moves_nothing(project):
    p = project(lines(map(record, QUESTIONS)), "- clean.strip_htm")
    with pytest.raises(RecipeError, match="Did you mean"):
        run(p.recipe, p.out)
    assert not p.out.exists()
