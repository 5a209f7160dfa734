import json

import pytest
import yaml

from tilth.errors import FolderError, NotFoundError
from tilth.evaluation.contestants import is_stale, open_pair
from tilth.evaluation.studies import Reader, compare_answers, compare_pair, compare_run, data_of, settings_of
from tilth.models.scripted import ScriptedModel
from tilth.recipe.schema import Compare, Train
from tilth.store.files import write_json, write_jsonl, write_text
from tilth.store.folder import RunFolder
from tilth.training.base import Job
from tilth.training.data import file_digest


def report(folder):
    return json.loads((folder / "report" / "compare.json").read_text("utf-8"))


def answers_file(folder, rows):
    path = folder / "answers.jsonl"
    keys = ("问题", "微调前", "微调后", "分析")
    write_jsonl(path, [dict(zip(keys, row, strict=True)) for row in rows])
    return path


def test_a_file_of_answers(tmp_path):
    path = answers_file(
        tmp_path, [("水湿吗", "不知道", "水能附着在物体表面", "更准"), ("鱼渴吗", "渴", "渴", "")]
    )
    compare_answers(path, tmp_path / "out", reader=Reader("zh"))
    numbers = report(tmp_path / "out")
    assert numbers["wins"] == numbers["losses"] == numbers["ties"] == numbers["errors"] == 0
    assert numbers["win_rate"] is None
    assert numbers["heldout"] is None
    assert numbers["distinguishable"] is False
    assert "还没有人评判" in numbers["sentence"]
    text = (tmp_path / "out" / "report" / "compare.md").read_text("utf-8")
    assert "原文件的分析：更准" in text
    assert "| 鱼渴吗 | 渴 | 渴 | 按种子抽取<br>回答没有变化 |" in text
    rows = [
        json.loads(x) for x in (tmp_path / "out" / "report" / "answers.jsonl").read_text("utf-8").splitlines()
    ]
    assert [(r["side"], r["place"], r["text"]) for r in rows][2:] == [
        ("after", "answers.jsonl:1", "水能附着在物体表面"),
        ("after", "answers.jsonl:2", "渴"),
    ]


def test_the_same_file_gives_the_same_bytes(tmp_path):
    path = answers_file(tmp_path, [(f"第{n}题", "甲", "乙" * n, "") for n in range(1, 30)])
    for name in ("one", "two"):
        compare_answers(path, tmp_path / name, reader=Reader("en"))
    for file in (tmp_path / "one" / "report").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / "report" / file.name).read_bytes()


def test_the_language_is_the_readers(tmp_path, monkeypatch):
    path = answers_file(tmp_path, [("水湿吗", "不知道", "湿", "")])
    monkeypatch.setenv("TILTH_LANG", "zh")
    assert "还没有人评判" in compare_answers(path, tmp_path / "out").sentence


def test_a_run_is_asked_about_its_test_side_through_files(run, tmp_path):
    before = tmp_path / "before.jsonl"
    write_jsonl(before, [{"question": "水为什么不能往高处走呢", "answer": "不知道"}])
    after = tmp_path / "after.csv"
    write_text(after, "问题,微调后\n水为什么不能往高处走呢,因为重力\n月亮会不会觉得冷,月亮不会觉得冷\n")
    found = compare_run(run, Compare(before=str(before), after=str(after)), reader=Reader("en"))
    numbers = report(run.path)
    assert numbers["questions"] == 2
    assert numbers["errors"] == 1
    assert numbers["answers"]["before"]["failed"] == 1
    assert numbers["leaks"][0]["place"] == "raw.jsonl:1"
    assert numbers["stale"] is None
    assert found.rows[0].question.expected == "重力使水流向低处。"
    assert found.near["raw.jsonl:5"][0].place == "raw.jsonl:1"
    assert (
        json.loads((run.report / "protocol.json").read_text("utf-8"))["questions"][1]["place"]
        == "raw.jsonl:6"
    )


def test_settings_come_from_the_lock(run):
    assert settings_of(run).seed == 7
    write_text(run.lock, yaml.safe_dump({"data": {"to": "openai"}, "compare": None}))
    assert settings_of(run) == Compare()


def test_only_what_the_model_may_have_seen_is_data(run):
    assert {side: len(samples) for side, samples in data_of(run).items()} == {"train": 4}


def test_questions_may_be_listed_or_in_a_file(run, tmp_path):
    answers = {"before": str(tmp_path / "a.jsonl"), "after": str(tmp_path / "a.jsonl")}
    write_jsonl(tmp_path / "a.jsonl", [{"question": "影子重吗", "answer": "不重"}])
    write_text(tmp_path / "q.txt", "影子重吗\n")
    listed = compare_run(run, Compare(questions=["影子重吗"], **answers), reader=Reader("en"))
    read = compare_run(run, Compare(questions=str(tmp_path / "q.txt"), **answers), reader=Reader("en"))
    assert listed.rows[0].after.text == read.rows[0].after.text == "不重"


@pytest.mark.parametrize(
    ("status", "said"), [("failed", "failed: too many quarantined"), ("running", "has not finished")]
)
def test_a_run_that_failed_is_refused(run, status, said):
    write_json(run.run_json, {"status": status, "reason": "too many quarantined"})
    with pytest.raises(FolderError, match=said):
        compare_run(run)


def test_a_run_without_a_test_side_or_a_model_says_what_to_do(run):
    with pytest.raises(FolderError, match="tilth train"):
        compare_run(run)
    run.side("test").unlink()
    with pytest.raises(FolderError, match=r"split\.grouped"):
        compare_run(run)


def test_names_that_are_nothing(run, tmp_path):
    with pytest.raises(NotFoundError, match="neither a model folder nor a file"):
        open_pair("nowhere", "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FolderError, match="Name both models"):
        open_pair(None, str(tmp_path))


def test_two_models_of_any_kind(tmp_path):
    from tilth.evaluation.contestants import Pair
    from tilth.evaluation.inputs import questions_from_texts

    pair = Pair(ScriptedModel({}, "不知道", "old"), ScriptedModel({}, "知道了", "new"))
    found = compare_pair(
        pair, questions_from_texts(["水湿吗"]), RunFolder(tmp_path), Compare(), reader=Reader("en")
    )
    assert (found.rows[0].before.text, found.rows[0].after.text) == ("不知道", "知道了")
    assert [c.name for c in (found.protocol.before, found.protocol.after)] == ["old", "new"]


def job(run, digest):
    train = Train(base_model="tiny")
    return Job(train, "base", "openai", "../data/train.jsonl", None, "../data/index.jsonl", digest, "k")


def test_staleness(run):
    assert is_stale(run) is None
    job(run, file_digest(run.side("train"))).save(run.model)
    assert is_stale(run) is False
    with run.side("train").open("a", encoding="utf-8") as handle:
        handle.write("{}\n")
    assert is_stale(run) is True
