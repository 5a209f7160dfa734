"""Planned rendering is rendering: the same text and spans, for templates that look into texts and those that do not."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import FormatError
from tilth.models import marking, plans
from tilth.models.loader import load_template
from tilth.models.rendering import render_plainly
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.sample import Message

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
PEEKING = """\
{%- for m in messages %}
{%- set content = m.content %}
{%- if '</think>' in content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}
{%- if m.role == 'user' and not (content.startswith('<tool>') and content.endswith('</tool>')) %}[USER]{{ content | trim }}
{%- elif m.role == 'assistant' %}{{ '[BOT]' + content.strip('\\n') }}{% generation %}{{ content }}{% endgeneration %}
{%- else %}{{ '<<' + content + '>>' if content else 'none' }}{% endif %}
{%- endfor %}"""
JOINED = "{% for m in messages %}{{ ('<' ~ m.content ~ '>\\n') | trim }}{% endfor %}"
SIZED = "{% for m in messages %}{{ m.content | length }}{{ m.content }}{% endfor %}"
CUT = "{% for m in messages %}{{ m.content[:2] }}{% endfor %}"
EQUAL = "{% for m in messages %}{{ 'hi' if m.content == 'a' else m.content }}{% endfor %}"
UPPER = "{% for m in messages %}{{ m.content.upper() }}{% endfor %}"
QUOTED = "{% for m in messages %}{{ m | tojson }}{% endfor %}"
PICKED = "{% for m in messages if m.content in ['a', 'b'] %}{{ m.content }}{% endfor %}"
LETTERS = "{% for m in messages %}{% for c in m.content %}{{ c }}.{% endfor %}{% endfor %}"
REPLACED = "{% for m in messages %}{{ 'a-b'.replace('a', m.content) }}{% endfor %}"
TEMPLATES = [INTERNLM2, PEEKING, JOINED, SIZED, CUT, EQUAL, UPPER, QUOTED, PICKED, LETTERS, REPLACED]
TEXTS = st.sampled_from(
    [
        "a",
        "b",
        "",
        " a ",
        "\n",
        "水\n",
        "<tool>x</tool>",
        "x</think>\ny",
        "\ufdd2",
        "\ufdd20\ufdd3",
        "{{ x }}",
        "é",
    ]
)
TALKS = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS), min_size=1, max_size=5
)


def both(template, messages, prompt=False):
    found = []
    for way in (plans.render, render_plainly):
        try:
            found.append(way(template, TOKENS, messages, prompt, None))
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            found.append(str(error))
    return found


@settings(max_examples=150, deadline=None)
@given(TALKS, st.booleans())
def test_every_way_of_looking_gives_the_same(messages, prompt):
    for template in TEMPLATES:
        planned, plain = both(template, messages, prompt)
        assert planned == plain


def plan_of(template):
    return plans.plan_of(
        template, tuple(TOKENS.items()), False, (("user", True, False), ("assistant", True, False))
    )


@pytest.mark.parametrize("template", [INTERNLM2, PEEKING])
def test_these_templates_are_planned(template):
    assert plan_of(template) is not None


@pytest.mark.parametrize("template", [JOINED, SIZED, CUT, EQUAL, UPPER, QUOTED, PICKED, LETTERS, REPLACED])
def test_these_look_too_deep(template):
    assert plan_of(template) is None


def test_a_plan_that_differs_is_given_up():
    """A template that no rule foresees: what it does with a text is compared, and plain rendering wins."""
    sly = "{% for m in messages %}{{ 'yes' if (m.content ~ '') == 'a' else 'no' }}{% endfor %}"
    talk = [Message("user", "a"), Message("assistant", "b")]
    plans.plan_of.cache_clear()
    assert plan_of(sly) is not None
    assert both(sly, talk)[0] == both(sly, talk)[1] == ("yesno", [])
    assert not plan_of(sly).sound


@pytest.mark.real_data
def test_a_real_template_with_tools_and_thinking_is_planned(real_data):
    template = load_template(real_data / "tok_minimind")
    plain = (("system", True, False), ("user", True, False), ("assistant", True, False))
    thinking = (("user", True, False), ("assistant", True, True))
    for shape in (plain, thinking):
        assert plans.plan_of(template.text, tuple(template.tokens.items()), False, shape) is not None


UNMARKED = "{% for m in messages %}[{{ m.role }}]{{ m.content }}<e>\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
OPEN_END = UNMARKED.replace("<e>", "")
FORGETFUL = "{% for m in messages %}[{{ m.role }}]{% if loop.last %}{{ m.thinking }}{% endif %}{{ m.content }};{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
TRAINED = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant"]),
        TEXTS,
        thinking=st.sampled_from([None, "hm"]),
        name=st.sampled_from([None, None, "x"]),
        loss=st.sampled_from([None, None, True, False]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=50, deadline=None)
@given(TRAINED)
def test_answers_are_marked_as_they_are_without_a_plan(messages):
    for text in (*TEMPLATES, UNMARKED, OPEN_END, FORGETFUL):
        template, found = ChatTemplate(text, TOKENS), []
        for way in (template._marked, template._marked_carefully):
            try:
                found.append(way(messages, None))
            except FormatError as error:
                found.append(str(error))
        assert found[0] == found[1]


@pytest.mark.parametrize(("template", "planned"), [(INTERNLM2, True), (UNMARKED, True), (OPEN_END, False)])
def test_whole_conversations_are_planned_where_the_end_of_an_answer_is_certain(template, planned):
    turns = (("user", True, False, None, False), ("assistant", True, False, None, False)) * 2
    assert (marking._plan(template, tuple(TOKENS.items()), turns) is not None) == planned


def test_a_noncharacter_in_a_text_is_refused_whatever_the_plan():
    template = ChatTemplate(INTERNLM2, TOKENS)
    for text in ("a", "b\ufdd0", "c\ufdd1c"):
        talk = [Message("user", text), Message("assistant", "x")]
        if text == "a":
            assert template._marked(talk, None)
        else:
            with pytest.raises(FormatError, match="noncharacter"):
                template._marked(talk, None)
