import json

import pytest

from tests.evaluation.pieces import protocol, question
from tilth.errors import UserError
from tilth.evaluation.ask import ask, read_answers
from tilth.models.base import Reply
from tilth.models.scripted import ScriptedModel

QUESTIONS = [question(1, "水湿吗"), question(2, "鱼渴吗"), question(3, "影子重吗")]


class Counting(ScriptedModel):
    """A scripted model that keeps what it was asked, and stops or fails on demand."""

    def __init__(self, answers, default="嗯"):
        super().__init__(answers, default)
        self.asked, self.fails, self.dies_at = [], set(), None

    def ask(self, messages, generation):
        text = messages[-1].content
        if text == self.dies_at:
            raise KeyboardInterrupt
        self.asked.append((text, generation))
        if text in self.fails:
            raise UserError("the model is not there.", "Start it.")
        return super().ask(messages, generation)


@pytest.fixture
def models():
    return {"before": Counting({}), "after": Counting({"水湿吗": "水是湿的"})}


def lines(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_both_sides_are_asked_the_same_in_the_same_way(models, tmp_path):
    file = tmp_path / "report" / "answers.jsonl"
    seen = []
    answers = ask(protocol(QUESTIONS), models, file, lambda done, all_: seen.append((done, all_)))
    assert models["before"].asked == models["after"].asked
    assert answers["before"]["t.jsonl:1"].text == "嗯"
    assert answers["after"]["t.jsonl:1"].text == "水是湿的"
    assert [(row["side"], row["place"]) for row in lines(file)] == [
        (side, f"t.jsonl:{n}") for side in ("before", "after") for n in (1, 2, 3)
    ]
    assert seen == [(n, 6) for n in range(1, 7)]


def test_a_second_time_nobody_is_asked(models, tmp_path):
    file = tmp_path / "answers.jsonl"
    first = ask(protocol(QUESTIONS), models, file)
    bytes_before = file.read_bytes()
    again = ask(protocol(QUESTIONS), models, file)
    assert again == first
    assert file.read_bytes() == bytes_before
    assert len(models["before"].asked) == 3


def test_a_changed_model_is_asked_again_and_the_other_is_not(models, tmp_path):
    file = tmp_path / "answers.jsonl"
    ask(protocol(QUESTIONS), models, file)
    ask(protocol(QUESTIONS, after="m:3"), models, file)
    assert len(models["before"].asked) == 3
    assert len(models["after"].asked) == 6
    assert {row["model"] for row in lines(file)} == {"m:1", "m:3"}


@pytest.mark.parametrize("torn", [b"", b'{"id": "00', b'{"id": "0"}\n', b"\xff\xff\n"])
def test_a_kill_loses_at_most_one_answer(models, tmp_path, torn):
    file = tmp_path / "answers.jsonl"
    models["after"].dies_at = "鱼渴吗"
    with pytest.raises(KeyboardInterrupt):
        ask(protocol(QUESTIONS), models, file)
    with file.open("ab") as handle:
        handle.write(torn)
    models["after"].dies_at = None
    answers = ask(protocol(QUESTIONS), models, file)
    assert len(models["before"].asked) == 3
    assert [text for text, _ in models["after"].asked] == ["水湿吗", "鱼渴吗", "影子重吗"]
    assert len(answers["after"]) == 3
    assert len(lines(file)) == 6


def test_an_answer_is_on_disk_before_the_next_is_asked_for(tmp_path):
    file = tmp_path / "answers.jsonl"

    seen = []

    class Looking(ScriptedModel):
        def ask(self, messages, generation):
            seen.append(len(lines(file)))
            return super().ask(messages, generation)

    model = Looking({}, "嗯")
    ask(protocol(QUESTIONS), {"before": model, "after": model}, file)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_errors_are_recorded_and_asked_again(models, tmp_path):
    file = tmp_path / "answers.jsonl"
    models["after"].fails = {"鱼渴吗"}
    failed = ask(protocol(QUESTIONS), models, file)["after"]["t.jsonl:2"]
    assert (failed.state, failed.text) == ("failed", "")
    assert failed.reason == "the model is not there. Start it."
    assert len(lines(file)) == 6
    models["after"].fails = set()
    assert ask(protocol(QUESTIONS), models, file)["after"]["t.jsonl:2"].state == "done"
    assert len(models["after"].asked) == 4


def test_equal_requests_are_asked_once(models, tmp_path):
    file = tmp_path / "answers.jsonl"
    answers = ask(protocol([question(1), question(2)], after="m:1"), models, file)
    assert len(models["before"].asked) == 1
    assert models["after"].asked == []
    assert [(a.side, a.place) for side in answers.values() for a in side.values()] == [
        ("before", "t.jsonl:1"),
        ("before", "t.jsonl:2"),
        ("after", "t.jsonl:1"),
        ("after", "t.jsonl:2"),
    ]


def test_states_are_kept(tmp_path):
    class Refusing(ScriptedModel):
        def ask(self, messages, generation):
            return Reply("不能说", "refused", "policy", 3, 3)

    file = tmp_path / "answers.jsonl"
    ask(protocol(QUESTIONS[:1]), {"before": Refusing({}), "after": Refusing({})}, file)
    assert [(a.state, a.reason, a.prompt_tokens) for a in read_answers(file)] == [
        ("refused", "policy", 3)
    ] * 2


def test_what_a_model_thought_stays_with_its_answer(models, tmp_path):
    models["after"].ask = lambda messages, generation: Reply("湿", thinking="水碰到东西才湿")
    answers = ask(protocol(QUESTIONS), models, tmp_path / "answers.jsonl")
    assert answers["after"]["t.jsonl:1"].thinking == "水碰到东西才湿"
    assert ask(protocol(QUESTIONS), models, tmp_path / "answers.jsonl") == answers
