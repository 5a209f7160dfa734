"""What is kept is rendered once: a later run routes the same bytes, and renders only what may have changed."""

from __future__ import annotations

import json

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tests.engine.test_driver import with_plugin
from tests.engine.test_set_repairs import MEND
from tilth.engine import run
from tilth.formats import FORMATS

SPLIT = "- dedup.near\n- split.grouped: {train: 0.6, test: 0.4, seed: 7}"


def files(folder):
    """What is written of a run's samples."""
    paths = [*sorted((folder / "data").iterdir()), *sorted(folder.glob("*ed.jsonl")), folder / "held.jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def again(p, old: str, new: str):
    """The run folder after a change of the recipe, and the files that a run from nothing makes of it."""
    p.recipe.write_text(p.recipe.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    run(p.recipe, p.out)
    run(p.recipe, p.folder / "fresh")
    return files(p.out), files(p.folder / "fresh")


@pytest.fixture
def rendered(monkeypatch):
    """The places that formats were asked to render."""
    seen: list[str] = []
    for name in ("openai", "alpaca", "csv", "tilth"):
        fmt = FORMATS.get(name)

        def write(sample, old=fmt.write):
            seen.append(sample.place)
            return old(sample)

        monkeypatch.setitem(FORMATS._items, name, type(fmt)(**{**fmt.__dict__, "write": write}))
    return seen


@pytest.mark.parametrize("to", ["openai", "csv", "tilth"])
def test_another_split_renders_nothing_again(project, rendered, to):
    p = project(lines(map(record, QUESTIONS)), SPLIT, to=to)
    run(p.recipe, p.out)
    assert len(rendered) == 12
    p.recipe.write_text(p.recipe.read_text(encoding="utf-8").replace("seed: 7", "seed: 8"), encoding="utf-8")
    run(p.recipe, p.out)
    assert len(rendered) == 12
    found, fresh = again(p, "seed: 8", "seed: 9")
    assert found == fresh


def test_what_comes_back_is_rendered_alone(project, rendered):
    twins = [record("地球是圆的，为什么我站得住呢？"), record("地球是圆的，为什么我站得住呢呢？")]
    p = project(lines([*map(record, QUESTIONS), *twins]), "- dedup.near: {threshold: 0.5}")
    assert run(p.recipe, p.out)["counts"]["dropped"] == 2
    gone = [line["place"] for line in rows_of(p.out / "dropped.jsonl")]
    del rendered[:]
    found, fresh = again(p, "0.5", "0.99")
    assert found == fresh
    assert rendered[:2] == gone
    assert len(rendered) == 2 + 14


@pytest.mark.parametrize("to", ["openai", "tilth"])
def test_another_format_is_rendered_anew(project, to):
    p = project(lines(map(record, QUESTIONS)), SPLIT, to="alpaca")
    run(p.recipe, p.out)
    found, fresh = again(p, "to: alpaca", f"to: {to}")
    assert found == fresh


def test_a_split_that_is_taken_away_leaves_no_side_behind(project):
    p = project(lines(map(record, QUESTIONS)), SPLIT)
    run(p.recipe, p.out)
    found, fresh = again(p, SPLIT.split("\n")[1], "")
    assert {row["split"] for row in rows_of(p.out / "data/index.jsonl")} == {"train"}
    assert found == fresh


def test_what_a_set_step_mends_is_rendered_as_it_is_today(project):
    p = with_plugin(project, "mend.py", MEND, "- mend.first")
    run(p.recipe, p.out)
    kept = p.out / "steps/stage-01/rendered-00000.jsonl"
    assert [row["row"] for row in rows_of(kept)[1:]] == list(range(1, 12))
    found, fresh = again(p, "- mend.first", "- dedup.exact")
    assert found == fresh
    assert "改好了" not in str(rows_of(p.out / "data/train.jsonl"))


def test_what_is_measured_on_the_whole_set_is_written_anew(project):
    steps = "- measure.length\n- select.diverse: {n: 9}\n"
    p = project(lines(map(record, QUESTIONS)), steps, to="tilth")
    run(p.recipe, p.out)
    found, fresh = again(p, "n: 9", "n: 10")
    assert found == fresh


@pytest.mark.parametrize("left", [0, 30, 400])
def test_what_a_loss_of_power_left_of_it_is_made_anew(project, left):
    p = project(lines(map(record, QUESTIONS)), SPLIT)
    run(p.recipe, p.out)
    kept = p.out / "steps/stage-01/rendered-00000.jsonl"
    kept.write_bytes(kept.read_bytes()[:left])
    found, fresh = again(p, "seed: 7", "seed: 8")
    assert found == fresh
    assert len(rows_of(kept)) == 13


def conversations(tools: int) -> str:
    """Conversations in the shape `openai`; so many of them have tools, which `alpaca` cannot carry."""
    more = {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}
    return lines(
        {
            "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": f"{q}好问题。"}],
            **(more if n < tools else {}),
        }
        for n, q in enumerate(QUESTIONS)
    )


def test_a_refused_sample_is_asked_about_again(project, rendered):
    p = project(conversations(2), SPLIT, to="alpaca", max_quarantined="0.5")
    p.recipe.write_text(p.recipe.read_text(encoding="utf-8").replace("coig_cqia", "openai"), encoding="utf-8")
    run(p.recipe, p.out)
    assert len(rows_of(p.out / "quarantined.jsonl")) == 2
    del rendered[:]
    found, fresh = again(p, "seed: 7", "seed: 8")
    assert found == fresh
    assert rendered[:3] == ["raw.jsonl:1", "raw.jsonl:2", "raw.jsonl:1"]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_proof_leaves_out_what_the_format_refuses(project, workers, monkeypatch):
    from tilth.sources import plan

    monkeypatch.setattr("tilth.engine.inputs.plan", lambda specs: plan(specs, shard_bytes=400))
    p = project(conversations(2), "- dedup.exact", to="alpaca", max_quarantined="0.5")
    text = p.recipe.read_text(encoding="utf-8").replace("coig_cqia", "openai")
    asked = [QUESTIONS[0], QUESTIONS[5]]
    p.recipe.write_text(
        f"{text}train: {{base_model: tiny}}\ncompare: {{questions: {asked}}}\n", encoding="utf-8"
    )
    run(p.recipe, p.out, workers=workers)
    assert len(list((p.out / "steps/stage-01").glob("done-*.json"))) > 2
    leaks = json.loads((p.out / "report/data.json").read_text(encoding="utf-8"))["leaks"]
    assert [leak["place"] for leak in leaks] == ["raw.jsonl:6"]
