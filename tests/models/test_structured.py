"""Answers of a given shape: found in what a model says, checked, mended once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tilth.models.base import Reply, Request
from tilth.models.structured import Structured, json_schema
from tilth.operators.judging import Judged, Pair, ThreeH, rubric_shape
from tilth.sample import Message

GOOD = '{"reason": "清楚", "winner": "B"}'
QUESTION = Request((Message("user", "哪个更好？"),), shape=Pair)


class Sayings:
    """A model that says one thing after the other, and remembers what it was asked."""

    name = identity = "sayings"

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    async def answer(self, request):
        self.asked.append(request)
        said = self.replies.pop(0)
        return said if isinstance(said, Reply) else Reply(said, "done", "", 10, 5)


def ask(*replies, request=QUESTION):
    model = Sayings(*replies)
    return asyncio.run(Structured(model).answer(request)), model


@pytest.mark.parametrize(
    "said",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"好的，结果如下：\n```\n{GOOD}\n```\n以上。",
        f"我认为 {{B}} 更好：{GOOD}",
        f"<think>先看 {{A}}…</think>\n{GOOD}",
        '{"reason": "清楚", "winner": "B", "confidence": 0.9}',
    ],
)
def test_the_value_is_found_wherever_it_stands(said):
    reply, model = ask(said)
    assert (reply.state, reply.data) == ("done", Pair("清楚", "B"))
    assert len(model.asked) == 1


def test_an_answer_that_does_not_fit_is_shown_to_the_model_once():
    reply, model = ask('{"reason": "清楚", "winner": "C"}', GOOD)
    assert reply.data == Pair("清楚", "B")
    assert (reply.prompt_tokens, reply.completion_tokens) == (20, 10)
    first, second = model.asked
    assert second.messages[:2] == (*first.messages, Message("assistant", '{"reason": "清楚", "winner": "C"}'))
    assert "Invalid enum value 'C'" in second.messages[2].content


def test_an_answer_that_never_fits_is_unparsable():
    reply, model = ask("我不知道", "真的不知道")
    assert (reply.state, reply.reason, reply.data) == ("unparsable", "there is no JSON in the answer", None)
    assert len(model.asked) == 2


@pytest.mark.parametrize("state", ["refused", "truncated", "failed"])
def test_other_states_pass(state):
    reply, model = ask(Reply("", state, "why"))
    assert (reply.state, reply.reason, len(model.asked)) == (state, "why", 1)


def test_a_repair_that_fails_keeps_its_state():
    assert ask("?", Reply("", "failed", "gone"))[0].state == "failed"


def test_plain_requests_are_left_alone():
    reply, _ = ask("随便说说", request=replace(QUESTION, shape=None))
    assert (reply.text, reply.data) == ("随便说说", None)


def test_schemas_are_closed_objects():
    assert json_schema(Judged) == {
        "title": "Judged",
        "description": Judged.__doc__,
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": {"enum": ["fail", "pass"]}},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }
    three = json_schema(ThreeH)
    assert three["properties"]["honest"] == {"$ref": "#/$defs/Judged"}
    assert three["$defs"]["Judged"]["additionalProperties"] is False
    scored = json_schema(rubric_shape({"clear": "清楚"}))
    assert scored["$defs"]["Scored"]["properties"]["score"] == {"type": "integer", "minimum": 1, "maximum": 5}
