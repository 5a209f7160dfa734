"""A model in this process: answers, streams, losses, and the adapter on and off."""

from __future__ import annotations

import math

import pytest

from tilth.errors import FormatError, UserError
from tilth.models.base import Generation
from tilth.models.local import LocalModel, LocalPair
from tilth.models.streaming import TokenQueue
from tilth.sample import Message, Sample

pytestmark = pytest.mark.train

TALKS = [
    [Message(role="user", content=text)]
    for text in ("水结冰吗？", "你好，请问现在几点？今天天气怎样？", "好", "公园在哪？")
]
GREEDY = Generation(max_new_tokens=12)


def sample(question, answer, n=1):
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Sample(f"{n:016x}", f"x:{n}", messages)


@pytest.fixture(scope="module")
def model(model_folder):
    return LocalModel(model_folder)


@pytest.fixture(scope="module")
def pair(model_folder, adapter_folder):
    return LocalPair.load(model_folder, adapter_folder)


def test_batches_answer_as_one_by_one(model):
    together = model.ask_many(TALKS, GREEDY, batch_size=3)
    assert together == [model.ask(talk, GREEDY) for talk in TALKS]
    assert len({reply.text for reply in together}) > 1


@pytest.mark.parametrize("generation", [GREEDY, Generation(max_new_tokens=12, temperature=1.0, seed=7)])
def test_stream_is_the_same_answer_in_pieces(model, generation):
    pieces = list(model.stream(TALKS[1], generation))
    assert "".join(pieces) == model.ask(TALKS[1], generation).text
    assert len(pieces) > 1


def test_seeds_decide_sampled_answers(model):
    answers = {
        model.ask(TALKS[0], Generation(max_new_tokens=12, temperature=1.0, seed=seed)).text
        for seed in (1, 1, 2)
    }
    assert len(answers) == 2


def test_closing_a_stream_stops_the_model(model, monkeypatch):
    queues = []

    class Watched(TokenQueue):
        def __init__(self):
            super().__init__()
            queues.append(self)

    monkeypatch.setattr("tilth.models.local.TokenQueue", Watched)
    long = Generation(max_new_tokens=100)
    assert model.ask(TALKS[1], long).completion_tokens > 90
    stream = model.stream(TALKS[1], long)
    next(stream)
    stream.close()
    assert len(list(queues[0])) < 80


def test_stop_strings_end_the_answer(model):
    full = model.ask(TALKS[1], GREEDY).text
    stop = full[3]
    generation = Generation(max_new_tokens=12, stop=(stop,))
    reply = model.ask(TALKS[1], generation)
    assert (reply.text, reply.state) == (full[: full.index(stop)], "done")
    assert "".join(model.stream(TALKS[1], generation)) == reply.text


def test_unfinished_answers_say_so(model):
    reply = model.ask(TALKS[0], Generation(max_new_tokens=2))
    assert (reply.state, reply.completion_tokens) == ("truncated", 2)


def test_a_prompt_that_is_too_long(model):
    long = [Message(role="user", content="水" * 300)]
    reply = model.ask(long, GREEDY)
    assert (reply.state, reply.text) == ("failed", "")
    assert "the model reads at most 127" in reply.reason
    with pytest.raises(FormatError, match="Shorten"):
        next(model.stream(long, GREEDY))


def test_the_end_of_a_turn_ends_the_answer(model):
    assert model.tokenizer.token_to_id("<|im_end|>") in model._stops


def test_losses_are_means_over_the_answer_only(model):
    import torch

    one = sample("水会结冰吗？", "会。")
    ids, trained = model.template.encode(model.tokenizer, one.messages)
    with torch.inference_mode():
        logits = model._loaded.model(torch.tensor([ids])).logits[0].log_softmax(-1)
    by_hand = [-logits[i - 1, ids[i]].item() for i in range(1, len(ids)) if trained[i]]
    (loss,) = model.losses([one])
    assert loss.tokens == len(by_hand) == sum(trained)
    assert loss.mean == pytest.approx(math.fsum(by_hand) / len(by_hand), rel=1e-5)


def test_losses_do_not_depend_on_neighbours(model):
    samples = [sample("水会结冰吗？", "会。"), sample("好", "今天天气很好，我们去公园吧。", 2)]
    alone = [model.losses([one])[0].mean for one in samples]
    assert [loss.mean for loss in model.losses(samples)] == pytest.approx(alone, rel=1e-5)


def test_loss_of_a_sample_without_answer(model):
    assert model.losses([sample("水" * 20, "会。")], max_length=8) == [(None, 0)]


def test_pair_shares_one_base(pair, model):
    assert pair.base._loaded.model is pair.tuned._loaded.model
    before, after = pair.base.ask(TALKS[0], GREEDY), pair.tuned.ask(TALKS[0], GREEDY)
    assert before == model.ask(TALKS[0], GREEDY)
    assert after.text != before.text
    assert pair.base.ask(TALKS[0], GREEDY) == before


def test_identities_differ(pair, model):
    assert pair.base.identity == model.identity
    assert pair.tuned.identity.startswith(f"{model.identity}+")


def test_description_says_device_and_precision(model):
    assert model.description.endswith("on cpu, float32, 1 threads")


def test_a_folder_without_adapter(model_folder, tmp_path):
    with pytest.raises(UserError, match="holds no adapter"):
        LocalModel(model_folder, tmp_path)
