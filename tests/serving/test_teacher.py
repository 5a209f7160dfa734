"""`tilth serve` as the endpoint of a recipe: our own server answers our own client."""

from __future__ import annotations

import asyncio

import pytest

from tests.loopback import running
from tests.models.conftest import model_folder  # noqa: F401  a fixture
from tilth.models.base import Generation, Request
from tilth.models.connect import connect
from tilth.models.settings import Endpoint
from tilth.operators.judging import Judged
from tilth.sample import Message
from tilth.serving.http import app

pytest.importorskip("openai")
pytestmark = pytest.mark.train


def test_a_served_model_answers_a_recipe_as_it_answers_here(model_folder, tmp_path):  # noqa: F811
    from tilth.models.local import LocalModel

    model = LocalModel(model_folder, name="tiny")
    questions = [(Message("user", text),) for text in ("水湿吗？", "现在几点？")]
    here = [model.ask(messages, Generation(8)) for messages in questions]

    async def ask(url, *requests):
        settings = Endpoint(kind="endpoint", base_url=f"{url}/v1", name="tiny", max_tokens=8, retries=0)
        teacher = connect(settings, tmp_path)
        replies = await asyncio.gather(*(teacher.answer(request) for request in requests))
        await teacher.close()
        return replies, teacher.usage.sent

    with running(app({"tiny": model})) as url:
        replies, _ = asyncio.run(ask(url, *(Request(messages) for messages in questions)))
        assert [(r.text, r.state, r.completion_tokens) for r in replies] == [
            (r.text, r.state, r.completion_tokens) for r in here
        ]
        again, sent = asyncio.run(ask(url, *(Request(messages) for messages in questions)))
        assert (again, sent) == (replies, 0)
        (shaped,), _ = asyncio.run(ask(url, Request(questions[0], Generation(200), Judged)))
    assert shaped.state in ("unparsable", "truncated", "failed")
    assert shaped.state != "failed" or "tokens" in shaped.reason
