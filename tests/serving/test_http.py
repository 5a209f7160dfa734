import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from tests.loopback import running
from tilth.errors import FormatError, UserError
from tilth.models.base import Generation, Reply
from tilth.models.scripted import ScriptedModel
from tilth.sample import Message
from tilth.serving.guard import is_loopback
from tilth.serving.http import MAX_BODY, app, serve
from tilth.serving.listening import address_of, listen

uvicorn = pytest.importorskip("uvicorn")
QUESTION = [{"role": "user", "content": "水湿吗"}]


class Watched(ScriptedModel):
    """A scripted model that counts how many requests it is working on, and breaks or tarries on demand."""

    def __init__(self, answers, name):
        super().__init__(answers, "嗯。", name)
        self.asked = []
        self.working = self.most = 0
        self.closed = threading.Event()

    def ask(self, messages, generation):
        self.working += 1
        self.most = max(self.most, self.working)
        time.sleep(0.002)
        self.asked.append((list(messages), generation))
        self.working -= 1
        last = messages[-1].content
        if last == "坏":
            raise RuntimeError("out of memory")
        if last == "太长":
            return Reply("", "failed", "the prompt has 9000 tokens")
        if last == "拒":
            return Reply("不能说。", "refused", "policy", 1, 4)
        return super().ask(messages, generation)

    def stream(self, messages, generation):
        if messages[-1].content == "中断":
            yield "好"
            raise FormatError("it broke.")
        if messages[-1].content == "没完":
            try:
                while True:
                    time.sleep(0.002)
                    yield "啊"
            finally:
                self.closed.set()
        return (yield from super().stream(messages, generation))


@pytest.fixture(scope="module")
def models():
    return {
        "base": Watched({"水湿吗": "不知道"}, "base"),
        "tuned": Watched({"水湿吗": "水是湿的，因为它能附着。"}, "tuned"),
    }


@pytest.fixture(scope="module")
def address(models):
    with running(app(models)) as url:
        yield url


@pytest.fixture(scope="module")
def http(address):
    with httpx.Client(base_url=address) as made:
        yield made


@pytest.fixture
def client(address):
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made


def answer(client, model="tuned", messages=QUESTION, **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


def test_models_and_health(client, http):
    assert [card.id for card in client.models.list()] == ["base", "tuned"]
    assert client.models.retrieve("tuned").id == "tuned"
    about = {"status": "ok", "models": ["base", "tuned"], "waiting": {"base": 0, "tuned": 0}}
    assert http.get("/health").json() == about


def test_a_whole_answer(client):
    found = answer(client, temperature=0)
    assert found.object == "chat.completion"
    assert found.model == "tuned"
    assert found.choices[0].message.role == "assistant"
    assert found.choices[0].message.content == "水是湿的，因为它能附着。"
    assert found.choices[0].finish_reason == "stop"
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (3, 12, 15)
    assert answer(client, model="base").choices[0].message.content == "不知道"


def test_a_streamed_answer_is_the_same(client):
    chunks = list(answer(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "水是湿的，因为它能附着。"
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 12
    assert len({c.id for c in chunks}) == 1


def test_without_asking_a_stream_carries_no_usage(client):
    assert all(c.usage is None for c in answer(client, stream=True))


def test_settings_reach_the_model(client, models):
    answer(client, temperature=0.7, top_p=0.9, seed=5, stop=["，", "。"], max_tokens=50)
    assert models["tuned"].asked[-1][1] == Generation(50, 0.7, 0.9, ("，", "。"), 5)
    answer(client, max_completion_tokens=7, stop="x")
    assert models["tuned"].asked[-1][1] == Generation(7, 0.0, 1.0, ("x",), None)


def test_stop_and_length(client):
    assert answer(client, stop="，").choices[0].message.content == "水是湿的"
    short = answer(client, max_tokens=2)
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("水是", "length")
    chunks = list(answer(client, max_tokens=2, stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"


def test_a_refusal_is_no_error(client):
    assert (
        answer(client, messages=[{"role": "user", "content": "拒"}]).choices[0].finish_reason
        == "content_filter"
    )


def test_conversations_arrive_whole(client, models):
    parts = [{"type": "text", "text": "水"}, {"type": "text", "text": "湿吗"}]
    turns = [
        {"role": "developer", "content": "简短"},
        {"role": "user", "content": "你好"},
        {"role": "assistant", "content": "你好！"},
        {"role": "user", "content": parts},
    ]
    answer(client, messages=turns)
    seen = [(m.role, m.content) for m in models["tuned"].asked[-1][0]]
    assert seen == [("system", "简短"), ("user", "你好"), ("assistant", "你好！"), ("user", "水湿吗")]


def test_an_unknown_model_is_404_and_suggests(client):
    with pytest.raises(openai.NotFoundError) as caught:
        answer(client, model="tunde")
    assert caught.value.code == "model_not_found"
    assert caught.value.body["param"] == "model"
    assert "tuned" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "你好"}, "messages"),
        ({"messages": [{"role": "king", "content": "水"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages.0.content",
        ),
        ({"temperature": -1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"top_p": 0}, "top_p"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"seed": -1}, "seed"),
        ({"n": 2}, None),
        ({"tools": [{"type": "function"}]}, None),
        ({"response_format": {"type": "json_object"}}, None),
        ({"model": None}, "model"),
    ],
)
def test_a_bad_request_is_400_in_openais_shape(http, change, param):
    body = {"model": "tuned", "messages": QUESTION, **change}
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert (error["param"] or "").startswith(param or "")
    assert (error["param"] is None) == (param is None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"model": "tuned", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "tuned", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_request_is_400(http, body):
    response = http.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert http.get("/health").status_code == 200


def test_a_huge_body_is_refused(http):
    response = http.post("/v1/chat/completions", content=b" " * (MAX_BODY + 1))
    assert response.status_code == 413
    assert response.json()["error"]["message"]


def test_unknown_httpes_and_methods(http):
    assert http.get("/v1/nothing").status_code == 404
    wrong = http.get("/v1/chat/completions")
    assert wrong.status_code == 405
    assert "error" in wrong.json()


@pytest.mark.parametrize(("question", "reason"), [("坏", "out of memory"), ("太长", "9000 tokens")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_is_an_error_that_is_not_retried(address, models, question, reason, stream):
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=2) as retrying:
        before = len(models["tuned"].asked)
        with pytest.raises(openai.InternalServerError, match=reason):
            answer(retrying, messages=[{"role": "user", "content": question}], stream=stream)
        assert len(models["tuned"].asked) == before + 1
        assert answer(retrying).choices[0].message.content.startswith("水是湿的")


def test_a_stream_that_breaks_off_says_so(client):
    chunks = answer(client, messages=[{"role": "user", "content": "中断"}], stream=True)
    with pytest.raises(openai.APIError, match="it broke"):
        list(chunks)


def test_a_caller_who_leaves_stops_the_model(client, models):
    stream = answer(client, messages=[{"role": "user", "content": "没完"}], stream=True)
    next(iter(stream))
    stream.close()
    assert models["tuned"].closed.wait(10)
    assert answer(client).choices[0].message.content.startswith("水是湿的")


def test_32_requests_at_once(client, models):
    def one(n):
        model, stream = ("base", "tuned")[n % 2], n % 4 >= 2
        found = answer(client, model=model, messages=[{"role": "user", "content": "水湿吗"}], stream=stream)
        if stream:
            return model, "".join(c.choices[0].delta.content or "" for c in found)
        return model, found.choices[0].message.content

    with ThreadPoolExecutor(32) as pool:
        results = Counter(pool.map(one, range(32)))
    assert results == {("base", "不知道"): 16, ("tuned", "水是湿的，因为它能附着。"): 16}
    assert models["base"].most == models["tuned"].most == 1


def test_the_server_answers_while_a_model_works(client, http, models):
    stream = answer(client, messages=[{"role": "user", "content": "没完"}], stream=True)
    next(iter(stream))
    assert http.get("/health").status_code == 200
    assert answer(client, model="base").choices[0].message.content == "不知道"
    stream.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "[::1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_foreign_names_and_pages_are_turned_away(http, headers):
    response = http.get("/v1/models", headers=headers)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_host"


def test_own_names_are_welcome(http):
    for headers in ({"Host": "localhost:1"}, {"Host": "[::1]:80"}, {"Origin": "http://localhost:3000"}):
        assert http.get("/v1/models", headers=headers).status_code == 200


def test_a_token_is_asked_for(models):
    with running(app(models, hosts=None, token="geheim-沃土")) as url, httpx.Client(base_url=url) as http:
        assert http.get("/v1/models", headers={"Host": "box.lan"}).status_code == 401
        wrong = http.get("/v1/models", headers={"Authorization": "Bearer nope"})
        assert wrong.json()["error"]["code"] == "invalid_api_key"
        right = {"Authorization": "Bearer geheim-沃土".encode()}
        assert http.get("/v1/models", headers=right).status_code == 200
        assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("box.lan", False)],
)
def test_is_loopback(host, own):
    assert is_loopback(host) is own


def test_pages_of_the_framework_are_off(http):
    assert http.get("/docs").status_code == 404
    assert json.loads(http.get("/openapi.json").text)["error"]


class Batched(ScriptedModel):
    """A scripted model that answers many at once, breaks on some batches, and takes its time over the first."""

    def __init__(self):
        super().__init__({}, "嗯。", "batched")
        self.sizes = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def ask(self, messages, generation):
        self.sizes.append(1)
        self.started.set()
        assert self.go_on.wait(10)
        if messages[-1].content == "坏":
            raise FormatError("the template refuses it.")
        return Reply(f"答{messages[-1].content}")

    def ask_many(self, conversations, generation):
        if any(talk[-1].content == "坏" for talk in conversations):
            raise FormatError("the template refuses one.")
        self.sizes.append(len(conversations))
        return [Reply(f"答{talk[-1].content}") for talk in conversations]


def test_requests_that_wait_together_are_answered_as_one_batch():
    model = Batched()

    def one(client, text, **more):
        found = answer(client, "batched", [{"role": "user", "content": text}], **more)
        return found.choices[0].message.content

    with (
        running(app({"batched": model})) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client,
        ThreadPoolExecutor(33) as pool,
    ):
        first = pool.submit(one, client, "0")
        assert model.started.wait(10)
        rest = [pool.submit(one, client, str(n), temperature=float(n == 20), seed=1) for n in range(1, 32)]
        while len(rest) > sum(f.done() for f in rest) and waiting(url) < 31:
            time.sleep(0.01)
        model.go_on.set()
        assert [f.result() for f in (first, *rest)] == [f"答{n}" for n in range(32)]
    assert sum(model.sizes) == 32
    assert max(model.sizes) == 8
    assert len(model.sizes) <= 8


def test_a_request_that_breaks_a_batch_fails_alone():
    model = Batched()
    with (
        running(app({"batched": model})) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        first = pool.submit(answer, client, "batched", [{"role": "user", "content": "0"}])
        assert model.started.wait(10)
        texts = ["1", "坏", "2", "3"]
        rest = [pool.submit(answer, client, "batched", [{"role": "user", "content": text}]) for text in texts]
        while waiting(url) < 4:
            time.sleep(0.01)
        model.go_on.set()
        assert first.result().choices[0].message.content == "答0"
        with pytest.raises(openai.InternalServerError, match="refuses it"):
            rest[1].result()
        assert [rest[n].result().choices[0].message.content for n in (0, 2, 3)] == ["答1", "答2", "答3"]


def waiting(url):
    return sum(httpx.get(f"{url}/health").json()["waiting"].values())


@pytest.mark.train
def test_32_clients_get_from_a_real_model_what_one_gets(model_folder):
    from tilth.models.local import LocalModel

    model = LocalModel(model_folder, name="real")
    talks = [[{"role": "user", "content": f"水结冰吗？{n % 11}"}] for n in range(32)]
    alone = [
        model.ask([Message("user", talk[0]["content"])], Generation(max_new_tokens=8)).text for talk in talks
    ]
    with (
        running(app({"real": model})) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client,
    ):

        def one(n):
            if n % 8 == 7:
                bad = httpx.post(f"{url}/v1/chat/completions", content=b"{", timeout=60)
                assert bad.status_code == 400
            stream = n % 5 == 0
            found = answer(client, "real", talks[n], max_tokens=8, temperature=0, stream=stream)
            if stream:
                return "".join(c.choices[0].delta.content or "" for c in found)
            return found.choices[0].message.content

        with ThreadPoolExecutor(32) as pool:
            assert list(pool.map(one, range(32))) == alone
        assert httpx.get(f"{url}/health").json()["waiting"] == {"real": 0}


def test_a_free_port_is_taken_and_told_and_a_taken_one_refused():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address_of("127.0.0.1", listener) == f"http://127.0.0.1:{port}"
        assert port > 0
        with pytest.raises(UserError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            serve({}, port=port)
