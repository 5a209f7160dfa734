"""Two versions of a run side by side: what the data says differently, and what the models answer differently."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from tests.evaluation.conftest import TEST
from tilth.cli.app import app
from tilth.engine import run as run_recipe
from tilth.evaluation.ask import Answer
from tilth.evaluation.compare import compare
from tilth.evaluation.contestants import Pair
from tilth.evaluation.inputs import questions_from_samples
from tilth.evaluation.losses import Scored, summary
from tilth.evaluation.protocol import Contestant, Protocol
from tilth.evaluation.reopen import reopen
from tilth.evaluation.report import spoken
from tilth.evaluation.studies import Reader, compare_pair, training_of
from tilth.evaluation.versions import answers_of_both
from tilth.evaluation.worklist import faults
from tilth.models.base import Generation
from tilth.models.scripted import ScriptedModel
from tilth.recipe.schema import Compare
from tilth.sample import Message, Sample
from tilth.store.files import write_jsonl, write_text
from tilth.store.folder import RunFolder

ROWS = [
    ("水为什么往低处流", "因为重力。"),
    ("影子有没有重量", "没有，影子只是光少的地方。"),
    ("镜子里是谁", "是你自己的像。"),
    ("鱼会不会口渴", "海水鱼会喝水。"),
]
RECIPE = "name: v\ndata:\n  from: raw.jsonl\n  format: alpaca\n"


def made(folder, rows):
    folder.mkdir()
    write_jsonl(folder / "raw.jsonl", [{"instruction": q, "input": "", "output": a} for q, a in rows])
    write_text(folder / "recipe.yaml", RECIPE)
    run_recipe(str(folder / "recipe.yaml"), folder / "run", workers=1)
    return RunFolder(folder / "run")


@pytest.fixture
def two(tmp_path):
    newer = [(q, a.replace("海水鱼", "海里的鱼")) for q, a in ROWS[1:]] + [
        ("月亮会不会觉得冷", "月亮没有感觉。")
    ]
    return made(tmp_path / "v1", ROWS), made(tmp_path / "v2", newer)


def compared(run, older, said):
    asked = questions_from_samples(
        Sample(f"{n:016x}", f"t:{n}", (Message("user", q), Message("assistant", a)))
        for n, (q, a) in enumerate(TEST)
    )
    pair = Pair(ScriptedModel({}, "旧答", "v1"), ScriptedModel({}, said, "v2"))
    training = training_of(run, False, older and older.path)
    return compare_pair(pair, asked, run, Compare(general=None), training=training, reader=Reader("zh"))


def test_the_report_of_two_versions_says_what_changed_in_the_data(two):
    older, newer = two
    found = compared(newer, older, "新答")
    counts = found.as_dict()["versions"]
    assert (counts["older"], counts["newer"]) == (str(older.path), str(newer.path))
    assert counts["added"] + counts["changed"] > 0
    html = (newer.report / "compare.html").read_text("utf-8")
    assert "数据有哪些变化" in html
    assert "<ins>" in html
    near = found.training.changes.near(found.protocol.questions)
    assert near["t:1"][1] in ("added", "changed")
    assert reopen(newer, Reader("zh")).as_dict() == found.as_dict()


def test_a_question_that_the_older_model_learned_from_is_told_of(two):
    older, newer = two
    asked = questions_from_samples([Sample("0" * 16, "t:1", (Message("user", "水为什么往低处流呢"),))])
    pair = Pair(ScriptedModel({}, "旧答", "v1"), ScriptedModel({}, "新答", "v2"))

    def told(language):
        training = training_of(newer, False, older.path)
        settings = Compare(general=None)
        return compare_pair(pair, asked, newer, settings, training=training, reader=Reader(language))

    found = told("en")
    (leak,) = found.as_dict()["leaks"]
    assert (leak["place"], leak["split"], leak["older"]) == ("raw.jsonl:1", "train", True)
    assert any("the comparison favours it" in said for said in spoken(found))
    html = (newer.report / "compare.html").read_text("utf-8")
    assert "raw.jsonl:1 of the older version" in html
    assert "older version</td>" in html
    assert reopen(newer, Reader("en")).as_dict() == found.as_dict()
    assert any("比较因此偏向它" in said for said in spoken(told("zh")))
    leaks = CliRunner().invoke(app, ["compare", str(newer.path), "--again"]).stdout
    assert "raw.jsonl:1 (train of the older version)" in leaks


def test_diff_shows_data_and_answers_side_by_side(two):
    older, newer = two
    assert answers_of_both(older, newer) is None
    compared(older, None, "第一版")
    compared(newer, older, "第二版")
    done = CliRunner().invoke(app, ["diff", str(older.path), str(newer.path), "--json"])
    facts = json.loads(done.stdout)
    assert [(a["before"], a["after"]) for a in facts["answers"]] == [("第一版", "第二版")] * len(TEST)
    assert facts["added"] or facts["changed"]
    text = CliRunner().invoke(app, ["diff", str(older.path), str(newer.path)]).stdout
    assert "- 第一版\n    + 第二版" in text
    shutil.rmtree(newer.report)
    assert "answers" not in json.loads(
        CliRunner().invoke(app, ["diff", str(older.path), str(newer.path), "--json"]).stdout
    )


def test_the_held_out_loss_leaves_out_what_the_older_model_learned(two):
    """The older model knows the first answer by heart; without that question the newer one is the better."""
    older, newer = two
    asked = questions_from_samples(
        Sample(f"{n:016x}", f"t:{n}", (Message("user", q), Message("assistant", "因为重力。")))
        for n, q in enumerate(["水为什么往低处流呢", "月亮会不会觉得冷"])
    )
    answers = {
        side: {q.place: Answer(q.id, q.place, side, side, "答", "done", "", 0, 0, "k") for q in asked}
        for side in ("before", "after")
    }
    protocol = Protocol(tuple(asked), Contestant("v1", "before"), Contestant("v2", "after"), Generation(), 42)
    loss = summary([Scored("t:0", 0.1, 6.0, 5), Scored("t:1", 5.0, 4.0, 5)], "token", 0, 42)

    def told(training, held=loss):
        return compare(protocol, answers, language="en", heldout=held, training=training)

    assert told(training_of(newer, False, None)).heldout.difference > 0
    found = told(training_of(newer, False, older.path))
    assert (found.heldout.difference, found.heldout.left_out, len(found.heldout.rows)) == (-1.0, 1, 1)
    assert [row.loss is None for row in found.rows] == [True, False]
    assert not list(faults(found.rows[0])), "nothing for the work list either"
    known = summary(loss.rows[:1], "token", 0, 42)
    assert told(training_of(newer, False, older.path), known).heldout is None
