"""A judge beside people: what is compared, and what the report shows of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from tilth.engine import run
from tilth.engine.calibration import calibration, wilson
from tilth.sample import Message, Sample
from tilth.store.decisions import append, content_hash, event
from tilth.store.files import read_jsonl

EXAMPLE = Path(__file__).parents[2] / "examples" / "questions"


def sample(n, **signals):
    return Sample(
        f"{n:016d}", f"a.jsonl:{n}", (Message("user", f"问{n}"), Message("assistant", "答")), signals=signals
    )


def said(s, verdict="accept", person="甲", **more):
    return {"sample_id": s.id, "person": person, "verdict": verdict, "content_hash": content_hash(s), **more}


def test_agreement_is_counted_by_dimension_with_its_interval():
    passed = {"harmless": "pass", "honest": "pass", "helpful": "pass"}
    samples = [sample(n, **passed) for n in range(8)] + [
        sample(n, **passed | {"honest": "fail"}) for n in (8, 9)
    ]
    events = [said(s, scores={"honest": 5, "helpful": 2 if s.place == "a.jsonl:0" else 4}) for s in samples]
    found = {row["dimension"]: row for row in calibration(samples, events)}
    assert list(found) == ["honest", "helpful", "verdict"]
    honest = found["honest"]
    assert (honest["labels"], honest["agreement"], honest["too_kind"], honest["too_strict"]) == (
        10,
        0.8,
        0,
        2,
    )
    assert (round(honest["low"], 3), round(honest["high"], 3)) == (0.490, 0.943)
    assert (found["helpful"]["too_kind"], found["helpful"]["agreement"]) == (1, 0.9)
    assert found["verdict"]["agreement"] == 0.8


def test_kappa_is_left_out_where_nobody_ever_differs():
    samples = [sample(n, clear=4) for n in range(3)]
    (row,) = calibration(samples, [said(s, scores={"clear": 3}) for s in samples])
    assert (row["agreement"], row["kappa"]) == (1.0, None)
    assert wilson(3, 3)[1] == 1.0


@pytest.mark.parametrize(
    "change", [{"content_hash": "x"}, {"sample_id": "x"}, {"scores": {"taste": 5}}, {"scores": None}]
)
def test_what_cannot_be_compared_is_left_out(change):
    one = sample(1, honest="pass")
    assert calibration([one], [said(one, "flag", **{"scores": {"honest": 5}, **change})]) == []


def test_the_report_shows_the_judge_beside_people_and_the_cost(tmp_path):
    place = Path(shutil.copytree(EXAMPLE, tmp_path / "questions"))
    run(place / "recipe.yaml", tmp_path / "out")
    events = []
    for line in read_jsonl(tmp_path / "out/held.jsonl"):
        one = msgspec.convert(line["sample"], Sample)
        scores = {"harmless": 5, "honest": 4, "helpful": 4}
        events.append(
            event(one.id, "accept", content_hash=content_hash(one), step=line["step"], scores=scores)
        )
    append(tmp_path / "out/decisions.jsonl", events)
    run(place / "recipe.yaml", tmp_path / "out")
    facts = json.loads((tmp_path / "out/report/data.json").read_text(encoding="utf-8"))
    rows = {row["dimension"]: (row["labels"], row["too_strict"]) for row in facts["calibration"]}
    assert rows == {"harmless": (11, 0), "honest": (11, 0), "helpful": (11, 1), "verdict": (11, 1)}
    page = (tmp_path / "out/report/data.html").read_text(encoding="utf-8")
    assert "How far the judge says what people say" in page
    assert "What the models cost" in page
