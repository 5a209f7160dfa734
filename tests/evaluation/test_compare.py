import json

import pytest

from tests.evaluation.pieces import answer, protocol, question
from tilth.evaluation.compare import Training, compare
from tilth.evaluation.evidence import evidence
from tilth.evaluation.losses import Scored, summary
from tilth.evaluation.report import markdown, page, write_protocol, write_report
from tilth.evaluation.sentences import headline, sentences
from tilth.evaluation.verdicts import Verdict
from tilth.evaluation.votes import pairings
from tilth.evaluation.worklist import read_topics, read_worklist, worklist
from tilth.sample import Message, Sample
from tilth.store.folder import RunFolder


def sample(n, text):
    return Sample(f"{n:016x}", f"train:{n}", (Message("user", text), Message("assistant", "好")))


QUESTIONS = [
    question(1, "水为什么是湿的<script>", "因为它能附着"),
    question(2, "鱼会不会口渴", "淡水鱼不会"),
    question(3, "我用水兑水，得到的是稀水还是浓水", "还是水"),
]
DATA = {
    "train": [
        sample(1, "水为什么是干的"),
        sample(2, "我拿水兑水，得到的是稀水还是浓水"),
        sample(3, "火为什么热"),
    ]
}


def made(
    after=("水能附着在物体上", "鱼鱼鱼" * 20, "还是水"), language="en", differences=(-1.0, 0.5, -2.0), **more
):
    texts = {"before": ("不知道", "不知道", "不知道"), "after": after}
    answers = {
        side: {q.place: answer(q, side, text) for q, text in zip(QUESTIONS, texts[side], strict=True)}
        for side in ("before", "after")
    }
    pairs = pairings(protocol(QUESTIONS), answers)
    if "votes" in more:
        more["said"] = evidence(pairs, votes=more.pop("votes"))
    rows = [Scored(q.place, 3.0, 3.0 + d, 4) for q, d in zip(QUESTIONS, differences, strict=False)]
    heldout = summary(rows, "token", 0, seed=42) if differences else None
    return compare(protocol(QUESTIONS), answers, language=language, heldout=heldout, **more)


def votes(*winners):
    return [Verdict(q.place, winner, "甲") for q, winner in zip(QUESTIONS, winners, strict=True)]


def test_nobody_has_judged_and_the_loss_speaks():
    found = made(differences=(-1.0, -1.2, -0.8))
    assert found.sentence == (
        "Nobody has judged these answers yet. On 3 held-out answers the loss fell from 3.000 to 2.000 nats per token "
        "(95% interval of the change -1.200 to -0.800): the expected answers became likelier."
    )
    numbers = found.as_dict()
    assert (numbers["wins"], numbers["losses"], numbers["ties"], numbers["errors"]) == (0, 0, 0, 0)
    assert numbers["win_rate"] is None
    assert numbers["heldout"]["difference"] == pytest.approx(-1.0)
    assert numbers["lengths"] == {"before": 3, "after": 8}


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ((0.0, 0.0, 0.0), "both before and after: nothing changed"),
        ((-1.0, 0.5, 0.4), "not distinguishable by it"),
        ((1.0, 0.5, 0.4), "the loss rose from 3.000"),
        ((), "Held-out loss could not be measured"),
    ],
)
def test_the_loss_in_words(differences, said):
    assert said in made(differences=differences).sentence


@pytest.mark.parametrize(
    ("winners", "said"),
    [
        (("after", "before", "tie"), "not distinguishable: the tuned model wins 1 of 3"),
        (("tie", "tie", "tie"), "all 3 judged questions are ties"),
        (("after", "after", "error"), "1 more ended in an error"),
        (("error", "error", "error"), "Nobody has judged"),
    ],
)
def test_few_votes_decide_nothing(winners, said):
    found = made(votes=votes(*winners))
    assert said in found.sentence
    assert found.as_dict()["distinguishable"] is False


@pytest.mark.parametrize(("winner", "said"), [("after", "The tuned model is better"), ("before", "is worse")])
def test_many_votes_do(winner, said):
    verdicts = [Verdict(f"t:{n}", winner, "甲") for n in range(20)]
    found = made(votes=verdicts)
    assert said in found.sentence
    assert found.as_dict()["distinguishable"] is True
    assert "20" in made(votes=verdicts, language="zh").sentence


def test_a_failed_answer_is_an_error_and_never_a_tie():
    answers = {
        "before": {q.place: answer(q, "before", "好") for q in QUESTIONS},
        "after": {q.place: answer(q, "after", "", "failed") for q in QUESTIONS},
    }
    found = compare(protocol(QUESTIONS), answers, language="en")
    numbers = found.as_dict()
    assert (numbers["errors"], numbers["ties"]) == (3, 0)
    assert numbers["answers"]["after"]["length_median"] is None
    assert "3 of 6 answers failed" in page(found)


def test_the_work_list_never_holds_a_question(tmp_path):
    found = made(training=Training(DATA))
    write_report(found, tmp_path)
    text = (tmp_path / "worklist.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines == [{"kind": "summary", "bad": 1, "unlike": 1}]
    worse = made(training=Training(DATA), differences=(1.0, 0.5, 2.0))
    write_report(worse, tmp_path)
    text = (tmp_path / "worklist.jsonl").read_text("utf-8")
    lines = {line["place"]: line for line in map(json.loads, text.splitlines()) if line["kind"] == "sample"}
    assert lines["train:2"]["reasons"] == ["loss_rose"]
    assert lines["train:1"]["questions"] == 1
    assert all(asked.text[:6] not in text for asked in QUESTIONS)
    assert "水兑水" not in text


def test_the_work_list_leads_with_the_rows_near_most_bad_answers():
    found = made(
        after=("。", "不能" * 20, "。"),
        differences=(),
        training=Training({"train": [*DATA["train"], sample(4, "湿的鱼会不会渴")]}),
    )
    items = worklist(found).items
    assert items[0].near.place == "train:4"
    assert (items[0].questions, items[0].reasons) == (2, {"empty", "repeats"})


def test_all_files_are_written_and_agree(tmp_path):
    found = made(training=Training(DATA, stale=True), votes=votes("after", "before", "tie"))
    write_protocol(found.protocol, tmp_path)
    write_report(found, tmp_path)
    names = {
        "answers.jsonl",
        "table.jsonl",
        "worklist.jsonl",
        "compare.json",
        "compare.md",
        "compare.html",
        "protocol.json",
    }
    assert {path.name for path in tmp_path.iterdir()} == names
    numbers = json.loads((tmp_path / "compare.json").read_text("utf-8"))
    assert numbers["protocol"] == json.loads((tmp_path / "protocol.json").read_text("utf-8"))["digest"]
    assert numbers["stale"] is True
    assert numbers["leaks"][0]["place"] == "train:2"
    assert len((tmp_path / "answers.jsonl").read_text("utf-8").splitlines()) == 6
    text = (tmp_path / "compare.md").read_text("utf-8")
    assert [said for said in sentences(found) if said not in text] == []
    assert numbers["sentence"] == " ".join(sentences(found))
    table = [json.loads(line) for line in (tmp_path / "table.jsonl").read_text("utf-8").splitlines()]
    assert [row["winner"] for row in table] == ["after", "before", "tie"]
    assert table[2]["nearest"][0]["place"] == "train:2"
    assert read_worklist(RunFolder(tmp_path.parent)) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_one_static_file(language):
    html = page(
        made(training=Training(DATA, stale=True), votes=votes("after", "before", "tie"), language=language)
    )
    assert "<script" not in html
    assert "http" not in html
    assert "src=" not in html
    assert "水为什么是湿的&lt;script&gt;" in html
    assert ("训练" in html) == (language == "zh")
    assert html.count("<svg") == 3


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("问题", "微调前", "微调后", "分析", "泄漏", "请重新训练", "如何阅读本页", "无法区分")),
        ("en", ("question", "before", "after", "analysis", "leak", "Train again", "How to read this page")),
    ],
)
def test_the_page_and_the_markdown_speak_the_readers_language(language, words):
    found = made(
        training=Training(DATA, stale=True), votes=votes("after", "before", "tie"), language=language
    )
    html = page(found)
    assert [word for word in words if word not in html] == []
    text = markdown(found)
    assert f"| {words[0]} | {words[1]} | {words[2]} | {words[3]} |" in text


def test_a_page_without_anything_measured_still_stands():
    html = page(made(differences=()))
    assert "<svg" not in html
    assert "Nobody has judged" in html


def test_markdown_cells_cannot_break_the_table():
    text = markdown(made(after=("甲|乙\n<b>*丙*</b>", "`丁`", "戊\\"), differences=()))
    assert "甲\\|乙<br>&lt;b&gt;\\*丙\\*&lt;/b&gt;" in text
    assert (
        len({line.count(" | ") for line in text.splitlines() if line.startswith("| ") and "---" in line}) == 1
    )


def test_the_same_model_on_both_sides_is_said():
    same = protocol(QUESTIONS, after="m:1")
    answers = {side: {q.place: answer(q, side, "好") for q in QUESTIONS} for side in ("before", "after")}
    assert "Both sides are the same model." in page(compare(same, answers, language="en"))


@pytest.mark.parametrize(
    ("made_of", "said"),
    [
        ({"differences": (-1.0, -1.2, -0.8)}, "the expected answers became likelier"),
        ({"differences": (1.0, 1.2, 0.8)}, "the expected answers became less likely"),
        ({"differences": ()}, "not judged yet"),
        ({"votes": votes("after", "before", "tie")}, "no difference can be told"),
        ({"votes": [Verdict(f"t:{n}", "before", "甲") for n in range(20)]}, "the tuned model is worse"),
    ],
)
def test_the_headline_says_no_more_than_the_evidence(made_of, said):
    assert headline(made(**made_of)) == said


def test_the_work_list_is_read_back_from_the_run_folder(tmp_path):
    more = [sample(n, text) for n, text in enumerate(["鱼在水里会不会口渴", "猫会不会口渴", "鱼怕水吗"], 4)]
    training = Training({"train": [*DATA["train"], *more]})
    found = made(
        after=("。", "不能" * 20, "。"), differences=(), training=training, votes=votes(*["tie"] * 3)
    )
    run = RunFolder(tmp_path)
    write_report(found, run.report)
    listed = read_worklist(run)
    assert [line.place for line in listed] == [item.near.place for item in worklist(found).items]
    assert listed[0].reasons == ("repeats",) or "empty" in listed[0].reasons
    assert read_topics(run) == list(worklist(found).topics)


def test_topics_are_named_by_words_of_the_training_data_alone():
    from tilth.evaluation.gaps import gaps

    things = ["钓鱼", "煮饭", "骑马", "登山", "弹琴", "养猫", "写诗", "种花", "划船", "滑雪"]
    train = [sample(n, f"{'今昔'[n % 2]}日{thing}{n}") for n, thing in enumerate(things * 2)]
    asked = [question(n, text) for n, text in enumerate(["机密考题甲", "机密考题乙", "丙钓鱼丁", "戊煮饭己"])]
    answers = {side: {q.place: answer(q, side, "好") for q in asked} for side in ("before", "after")}
    rows = compare(protocol(asked), answers, language="zh").rows
    found = gaps(rows, frozenset(q.place for q in asked), train)
    assert sum(gap.bad for gap in found) == 4
    assert all("机密" not in gap.topic and "考题" not in gap.topic for gap in found)
    assert any(gap.topic for gap in found)
    assert gaps(rows, frozenset(), train) == []
