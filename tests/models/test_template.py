"""The chat template: what is written, which tokens are trained, and what is refused."""

from __future__ import annotations

import re

import pytest

from tilth.errors import FormatError
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.sample import Message

pytestmark = pytest.mark.train

QUESTION = Message(role="user", content="水结冰以后会变重吗？")
ANSWER = Message(role="assistant", content="不会，\n质量不变。")
TALK = (Message(role="system", content="简短回答。"), QUESTION, ANSWER, QUESTION, ANSWER)
TEMPLATE = ChatTemplate()
UNMARKED = ChatTemplate(re.sub(r"\{%- (end)?generation %\}", "", INTERNLM2))


@pytest.fixture(scope="module")
def tokenizer(model_folder):
    from tilth.models.loader import load_tokenizer

    return load_tokenizer(model_folder)


def trained_text(tokenizer, encoded):
    ids = [token for token, mark in zip(encoded.ids, encoded.trained, strict=True) if mark]
    return tokenizer.decode(ids, skip_special_tokens=False)


def test_render():
    assert TEMPLATE.render(TALK[:3]) == (
        "<s><|im_start|>system\n简短回答。<|im_end|>\n<|im_start|>user\n水结冰以后会变重吗？<|im_end|>\n"
        "<|im_start|>assistant\n不会，\n质量不变。<|im_end|>\n"
    )


def test_encode_is_render_then_tokenize(tokenizer):
    rendered = tokenizer.encode(TEMPLATE.render(TALK), add_special_tokens=False).ids
    assert TEMPLATE.encode(tokenizer, TALK).ids == rendered
    assert rendered.count(tokenizer.token_to_id("<s>")) == 1


@pytest.mark.parametrize("template", [TEMPLATE, UNMARKED], ids=["marked", "unmarked"])
def test_exactly_answers_and_their_ends_are_trained(tokenizer, template):
    encoded = template.encode(tokenizer, TALK)
    assert trained_text(tokenizer, encoded) == "不会，\n质量不变。<|im_end|>" * 2
    assert encoded.trained[-1] == 0


@pytest.mark.parametrize("template", [TEMPLATE, UNMARKED], ids=["marked", "unmarked"])
def test_loss_false_is_not_trained(tokenizer, template):
    talk = (
        QUESTION,
        ANSWER.replace(loss=False),
        QUESTION,
        Message(role="assistant", content="会。", loss=True),
    )
    assert trained_text(tokenizer, template.encode(tokenizer, talk)) == "会。<|im_end|>"


def test_prompt_is_the_beginning_of_what_is_trained(tokenizer):
    prompt = TEMPLATE.prompt_ids(tokenizer, TALK[:2])
    encoded = TEMPLATE.encode(tokenizer, TALK[:3])
    assert encoded.ids[: len(prompt)] == prompt
    assert encoded.trained[len(prompt) - 1 : len(prompt) + 1] == [0, 1]


def test_end_of_turn(tokenizer):
    assert TEMPLATE.end_of_turn(tokenizer) == tokenizer.token_to_id("<|im_end|>")


def test_end_of_turn_of_a_template_without_one(tokenizer):
    bare = ChatTemplate(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    assert bare.end_of_turn(tokenizer) is None
    assert trained_text(tokenizer, bare.encode(tokenizer, TALK[:3])) == ANSWER.content


def test_a_template_that_rewrites_earlier_turns_needs_markers(tokenizer):
    with pytest.raises(FormatError, match="rewrites earlier turns"):
        ChatTemplate("{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}").encode(
            tokenizer, TALK
        )


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Message(role="tool", content="42"), "no place for tool turns"),
        (
            Message(role="assistant", content="好", tool_calls=({"name": "f"},)),
            "no place for assistant turns or tool",
        ),
        (Message(role="assistant", content="好", thinking="想一想"), "leaves out the thinking"),
        (Message(role="user", content="\ufdd0"), "noncharacter"),
    ],
)
def test_nothing_is_left_out_silently(message, complaint):
    with pytest.raises(FormatError, match=complaint):
        TEMPLATE.render([message])


def test_a_template_that_drops_text_is_refused():
    with pytest.raises(FormatError, match="leaves out the text of a user turn"):
        ChatTemplate("{{ messages[0].role }}").render([QUESTION])


def test_a_user_turn_cannot_be_trained(tokenizer):
    with pytest.raises(FormatError, match="user turn asks to be trained"):
        TEMPLATE.encode(tokenizer, [QUESTION.replace(loss=True), ANSWER])


def test_templates_cannot_reach_out_of_their_sandbox():
    with pytest.raises(FormatError):
        ChatTemplate("{{ ''.__class__.__mro__ }}").render([])


def test_same_ids_and_mask_as_transformers(model_folder, tokenizer):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(model_folder).apply_chat_template(
        [{"role": m.role, "content": m.content} for m in TALK],
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ours = TEMPLATE.encode(tokenizer, TALK)
    assert (ours.ids, ours.trained) == (theirs["input_ids"], theirs["assistant_masks"])


def test_many_at_once_are_as_one_by_one(tokenizer):
    """Also where a character is several tokens, a span ends inside one, and a template marks nothing at all."""
    split = ChatTemplate(
        "{% for m in messages %}{{ m.role }}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    )
    odd = [Message("assistant", text) for text in ("𠮷😀", "é", "", " ", "a\n\n", "水" * 9, "𠮷")]
    for template in (TEMPLATE, UNMARKED, split):
        talks = (
            [[turn] for turn in odd]
            if template is split
            else [[QUESTION, turn, QUESTION, turn] for turn in odd]
        )
        many = template.encode_many(tokenizer, [(talk, None) for talk in talks])
        assert many == [template.encode(tokenizer, talk) for talk in talks]
    refused = TEMPLATE.encode_many(tokenizer, [(TALK, None), ([Message("tool", "42")], None), (TALK, None)])
    assert [isinstance(found, FormatError) for found in refused] == [False, True, False]
