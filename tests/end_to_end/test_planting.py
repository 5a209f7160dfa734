"""Every planted defect leaves by the door it should, with the text it should, and nothing else is touched."""

from __future__ import annotations

import base64
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.planting import plant
from tests.end_to_end.plants_added import ADDED
from tests.end_to_end.plants_repaired import REPAIRED
from tilth.engine import run
from tilth.store.files import read_json, read_jsonl

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "brain-teasers"
CLEAN = list(read_jsonl(EXAMPLE / "clean.jsonl"))


def outcomes(folder):
    """Line → (door, step, reason or original bytes, question, answer), as the run folder tells it."""
    found = {}
    texts = {path.name: list(read_jsonl(path)) for path in (folder / "data").glob("*.jsonl")}
    for row in texts["index.jsonl"]:
        question, answer = texts[row["file"]][row["line"] - 1]["messages"]
        found[row["place"]] = ("kept", None, None, question["content"], answer["content"])
    for row in read_jsonl(folder / "dropped.jsonl"):
        found[row["place"]] = ("dropped", row["step"], row["reason"], None, None)
    for row in read_jsonl(folder / "quarantined.jsonl"):
        raw = base64.b64decode(row["raw_base64"]) if "raw_base64" in row else row["raw"].encode()
        found[row["place"]] = ("quarantined", row["step"], raw.rstrip(b"\r\n"), None, None)
    return {int(place.rpartition(":")[2]): outcome for place, outcome in found.items()}


def expectations(raw, planted):
    """The same for what should happen; blank lines have no outcome."""
    expected = {}
    rows = {row["line"]: row for row in planted}
    for n, line in enumerate(raw.removesuffix(b"\n").split(b"\n"), 1):
        row = rows.get(n)
        if row is None:
            record = json.loads(line)
            expected[n] = ("kept", None, None, record["instruction"], record["output"])
        elif row["door"] == "kept":
            expected[n] = ("kept", None, None, row["question"], row["answer"])
        elif row["door"] != "blank":
            reason = line if row["door"] == "quarantined" else row["reason"]
            expected[n] = (row["door"], row["step"], reason, None, None)
    return expected


def judge(folder, raw, planted):
    """What went otherwise than it should: lines that were missed, and lines that were wrongly touched."""
    kinds = {row["line"]: row["kind"] for row in planted}
    expected, found = expectations(raw, planted), outcomes(folder)
    proposed = {
        (int(row["place"].rpartition(":")[2]), row["step"])
        for row in read_jsonl(folder / "steps" / "proposals.jsonl")
    }
    offered = {(row["line"], row["proposal_step"]) for row in planted if row["proposal_step"]}
    lines = {n for n in expected | found if expected.get(n) != found.get(n)}
    lines |= {n for n, _ in proposed ^ offered}
    missed = {n: (kinds[n], expected.get(n), found.get(n)) for n in sorted(lines) if n in kinds}
    touched = {n: (expected.get(n), found.get(n)) for n in sorted(lines) if n not in kinds}
    return missed, touched


def check(folder, raw, planted):
    missed, touched = judge(folder, raw, planted)
    report = read_json(folder / "run.json")
    steps = {step["name"]: step for step in report["steps"]}
    doors = Counter(row["door"] for row in planted)
    untouched = len(expectations(raw, planted)) - len(planted) + doors["blank"]
    lost = Counter(kind for kind, _, _ in missed.values())
    for kind, n in Counter(row["kind"] for row in planted).items():
        print(f"{kind}: {n - lost[kind]} of {n} found")
    print(f"{untouched} clean rows: {len(touched)} wrongly touched")
    assert missed == {}
    assert touched == {}
    assert report["counts"]["blank"] == doors["blank"]
    repaired = Counter(row["step"] for row in planted if row["door"] == "kept" and row["step"])
    assert {name for name, n in repaired.items() if steps[name]["changed"] < n} == set()
    unread = Counter(row["reason"] for row in planted if row["door"] == "quarantined")
    assert steps["read"]["reasons"] == unread


def test_example_is_what_the_script_makes():
    spec = importlib.util.spec_from_file_location("plant_example", ROOT / "scripts" / "plant_example.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, content in script.make().items():
        assert (EXAMPLE / name).read_bytes() == content


def test_example_holds_every_kind_twice_among_110_clean_rows():
    planted = list(read_jsonl(EXAMPLE / "planted.jsonl"))
    kinds = Counter(row["kind"] for row in planted)
    assert kinds.pop("bom") == 1
    assert kinds == dict.fromkeys([*REPAIRED, *ADDED], 2)
    assert len(CLEAN) - 2 * len(REPAIRED) >= 110


def test_example_run_finds_every_planted_defect_and_touches_nothing_else(tmp_path):
    run(EXAMPLE / "recipe.yaml", tmp_path / "run", workers=1)
    check(tmp_path / "run", (EXAMPLE / "raw.jsonl").read_bytes(), list(read_jsonl(EXAMPLE / "planted.jsonl")))


@pytest.mark.parametrize("seed", range(6))
def test_seeded_plantings_into_50_clean_rows(tmp_path, seed):
    start = seed * 20
    raw, planted = plant(CLEAN[start : start + 50], seed=seed, per_kind=1)
    (tmp_path / "raw.jsonl").write_bytes(raw)
    recipe = (EXAMPLE / "recipe.yaml").read_text(encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    run(tmp_path / "recipe.yaml", tmp_path / "run", assignments=["data.max_quarantined=0.5"], workers=1)
    check(tmp_path / "run", raw, planted)
