import json

import pytest

from tilth.engine.library import read
from tilth.errors import FormatError
from tilth.models.base import Generation
from tilth.models.scripted import ScriptedModel
from tilth.serving.chat import chat


class Recorder(ScriptedModel):
    """A scripted model that remembers what it was asked."""

    def __init__(self, answers, default="嗯。", name="m"):
        super().__init__(answers, default, name)
        self.asked = []

    def stream(self, messages, generation):
        self.asked.append(([(m.role, m.content) for m in messages], generation))
        return super().stream(messages, generation)


@pytest.fixture
def pair():
    return {"base": Recorder({"水湿吗": "不知道"}), "tuned": Recorder({"水湿吗": "水是湿的"})}


def talk(models, *lines, **more):
    shown = []
    chat(models, lines, shown.append, **more)
    return "".join(shown)


def test_the_last_model_speaks_and_remembers(pair):
    shown = talk(pair, "水湿吗", "真的？")
    assert "[tuned] 水是湿的\n" in shown
    assert pair["base"].asked == []
    assert pair["tuned"].asked[1][0] == [("user", "水湿吗"), ("assistant", "水是湿的"), ("user", "真的？")]


def test_both_answer_and_each_remembers_its_own_words(pair):
    shown = talk(pair, "/both", "水湿吗", "/base", "然后呢")
    assert "[base] 不知道\n[tuned] 水是湿的\n" in shown
    assert pair["base"].asked[-1][0][:2] == [("user", "水湿吗"), ("assistant", "不知道")]
    assert len(pair["tuned"].asked) == 1


def test_a_model_does_not_remember_what_only_others_were_asked(pair):
    talk(pair, "水湿吗", "/both", "真的？")
    assert pair["base"].asked[0][0] == [("user", "真的？")]
    assert len(pair["tuned"].asked[1][0]) == 3


def test_both_stand_beside_each_other_in_a_terminal(pair):
    lines = talk(pair, "/both", "水湿吗", width=40).splitlines()
    row = next(line for line in lines if "不知道" in line)
    assert "水是湿的" in row
    heads = next(
        line
        for line in lines
        if "base" in line and "tuned" in line and "can" not in line and "answer" not in line
    )
    assert len(heads) <= 40
    assert len(row.split("水是湿的")[0]) + len("不知道") == heads.index("tuned")


def test_one_model_needs_no_label():
    shown = talk({"solo": Recorder({"你好": "你好呀"})}, "你好", "/both")
    assert "你好呀\n" in shown
    assert "[solo]" not in shown
    assert "There is no /both." in shown


def test_system_reset_and_set(pair):
    talk(
        pair,
        "/system 用一个字回答",
        "水湿吗",
        "/reset",
        "/set temperature 0.7",
        "/set seed 3",
        "好",
        "/system",
        "好",
    )
    asked = pair["tuned"].asked
    assert asked[0][0] == [("system", "用一个字回答"), ("user", "水湿吗")]
    assert asked[1][0] == [("system", "用一个字回答"), ("user", "好")]
    assert asked[1][1] == Generation(1024, 0.7, seed=3)
    assert asked[2][0][0] == ("user", "好")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/set temperature warm", "temperature takes a number"),
        ("/set seed 1.5", "seed takes a whole number"),
        ("/set temperature 9", "goes from 0 to 2"),
        ("/set temperature nan", "goes from 0 to 2"),
        ("/set temprature 1", "Did you mean 'temperature'?"),
        ("/rset", "Did you mean 'reset'?"),
        ("/save", "Name a file"),
        ("/help", "/tuned"),
        ("/", "There is no /."),
    ],
)
def test_commands_answer_in_words(pair, line, answer):
    assert answer in talk(pair, line)
    assert pair["tuned"].asked == []


def test_quit_and_blank_lines(pair):
    talk(pair, "", "  ", "/quit", "水湿吗")
    assert pair["tuned"].asked == []


def test_save_writes_what_each_model_said(pair, tmp_path):
    file = tmp_path / "deep" / "chat.jsonl"
    shown = talk(pair, "/both", "水湿吗", f"/save {file}")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["model"] for row in rows] == ["base", "tuned"]
    assert rows[1]["messages"][-1] == {"role": "assistant", "content": "水是湿的"}
    assert "2 conversations written" in shown


def test_save_to_an_impossible_place_is_said(pair, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in talk(pair, f"/save {tmp_path / 'file' / 'chat.jsonl'}")


def test_ctrl_c_stops_the_answer_and_the_chat_goes_on():
    class Interrupted(Recorder):
        def stream(self, messages, generation):
            yield "水"
            if len(self.asked) == 0:
                self.asked.append(messages)
                raise KeyboardInterrupt
            self.asked.append(messages)

    model = Interrupted({})
    shown = talk({"m": model}, "水湿吗", "再来")
    assert "stopped" in shown
    assert [m.content for m in model.asked[1]] == ["再来"]


def test_ctrl_c_at_the_prompt_does_not_leave(pair):
    class Keys:
        def __init__(self):
            self.events = [KeyboardInterrupt(), "水湿吗", EOFError()]

        def __iter__(self):
            return self

        def __next__(self):
            event = self.events.pop(0)
            if isinstance(event, EOFError):
                raise StopIteration
            if isinstance(event, KeyboardInterrupt):
                raise event
            return event

    shown = []
    chat(pair, Keys(), shown.append)
    assert "Ctrl-D leaves" in "".join(shown)
    assert len(pair["tuned"].asked) == 1


def test_an_error_of_the_model_is_said_and_the_turn_forgotten():
    class Broken(Recorder):
        def stream(self, messages, generation):
            if "长" in messages[-1].content:
                raise FormatError("the conversation is too long.", "Shorten it.")
            return super().stream(messages, generation)

    model = Broken({})
    assert "too long. Shorten it." in talk({"m": model}, "长", "短")
    assert model.asked[0][0] == [("user", "短")]


def test_a_system_message_can_be_there_from_the_start(pair):
    talk(pair, "水湿吗", system="简短")
    assert pair["tuned"].asked[0][0][0] == ("system", "简短")


def test_kept_conversations_are_data_that_a_recipe_reads(pair, tmp_path, monkeypatch):
    monkeypatch.setenv("TILTH_PERSON", "li")
    kept = tmp_path / "chats.jsonl"
    shown = talk(
        pair, "/keep", "/system 简短", "/both", "水湿吗", "/keep", "/tuned", "真的？", "/keep", kept=kept
    )
    assert "Nothing has been said yet." in shown
    assert f"2 conversations kept in {kept}" in shown
    rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    assert [row["said_by"] for row in rows] == ["base", "tuned", "base", "tuned"]
    assert {row["kept_by"] for row in rows} == {"li"}
    assert len({row["event_id"] for row in rows}) == 4
    samples = list(read(kept))
    assert [len(sample.messages) for sample in samples] == [3, 3, 3, 5]
    assert samples[1].messages[0].role == "system"
    assert samples[3].answer == "水是湿的\n嗯。"


def test_without_a_run_there_is_nowhere_to_keep(pair):
    assert "Only a chat with a run keeps conversations" in talk(pair, "水湿吗", "/keep")
