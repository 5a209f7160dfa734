"""Samples for the tests of every format, as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from tilth.sample import Message, Sample

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SAID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SAID, inner, max_size=3),
    max_leaves=5,
)
FUNCTION = st.fixed_dictionaries({"name": SAID, "arguments": st.dictionaries(SAID, JSON, max_size=2)})
TOOL = st.builds(lambda function: {"type": "function", "function": function}, FUNCTION)
TOOLS = st.lists(TOOL, min_size=1, max_size=2).map(tuple)


def said(role, **more):
    return st.builds(Message, role=st.just(role), content=TEXT, **more)


def system():
    return st.builds(Message, role=st.just("system"), content=SAID)


def talk(*roles):
    return st.tuples(*(said(role) for role in roles))


@st.composite
def dialogue(draw, first_system=True, every_system=False, rounds=3):
    messages = []
    for number in range(draw(st.integers(1, rounds))):
        if (every_system or (first_system and number == 0)) and draw(st.booleans()):
            messages.append(draw(system()))
        messages += draw(talk("user", "assistant"))
    return tuple(messages)


@st.composite
def free(draw, loss=True):
    """Any order of turns, with everything that a message can hold."""
    maybe = st.none() | SAID
    more = {"loss": st.none() | st.booleans()} if loss else {}
    each = st.one_of(
        said("system", name=maybe, **more),
        said("user", name=maybe, **more),
        said("assistant", thinking=st.none() | TEXT, tool_calls=st.none() | TOOLS, **more),
        said("tool", tool_call_id=maybe, name=maybe, **more),
    )
    return tuple(draw(st.lists(each, min_size=1, max_size=4)))


@st.composite
def agent(draw):
    """Rounds in which the model may call tools before it answers."""
    messages = [draw(system())] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 2))):
        messages.append(draw(said("user")))
        if draw(st.booleans()):
            messages.append(Message("assistant", "", tool_calls=draw(TOOLS)))
            messages.append(draw(said("tool")))
        messages.append(draw(said("assistant")))
    return tuple(messages)


def sample(messages, **more):
    return st.builds(
        Sample, id=st.just("00000000000000aa"), place=st.just("raw.jsonl:7"), messages=messages, **more
    )


ORIGIN = st.fixed_dictionaries(
    {},
    optional={"task_type": st.just({"major": ["问答"]}), "domain": st.just(["逻辑"]), "human_verified": st.booleans()},
)  # fmt: skip
ANSWERED = free(loss=False).flatmap(lambda before: talk("assistant").map(lambda last: (*before, *last)))
ANY_TOOLS = {"tools": st.none() | TOOLS}

CARRIED = {
    "alpaca": sample(dialogue()),
    "coig_cqia": sample(dialogue(first_system=False, rounds=1), meta=ORIGIN),
    "csv": sample(dialogue(rounds=1)),
    "firefly": sample(dialogue(first_system=False)),
    "self_instruct": sample(dialogue(first_system=False, rounds=1)),
    "kto": sample(ANSWERED, label=st.booleans(), **ANY_TOOLS),
    "labelllm": sample(dialogue() | talk("user") | talk("user", "user", "assistant")),
    "llamafactory_alpaca": sample(dialogue()),
    "llamafactory_sharegpt": sample(agent(), **ANY_TOOLS),
    "openai": sample(free(), **ANY_TOOLS),
    "preference": sample(ANSWERED, rejected=talk("assistant"), **ANY_TOOLS),
    "prompt_completion": sample(ANSWERED, **ANY_TOOLS),
    "questions": sample(talk("user")),
    "sharegpt": sample(agent() | talk("user", "user", "assistant", "system"), **ANY_TOOLS),
    "text": sample(talk("user")),
    "tilth": sample(
        free(),
        meta=st.dictionaries(SAID, JSON, max_size=2),
        signals=st.dictionaries(SAID, JSON, max_size=2),
        family=TEXT,
        rejected=st.none() | talk("assistant"),
        label=st.none() | st.booleans(),
        **ANY_TOOLS,
    ),
    "tsv": sample(dialogue(rounds=1)),
    "xtuner": sample(dialogue(every_system=True)),
    "xtuner_conversation": sample(dialogue(every_system=True)),
}
"""For every format, samples that it must carry without loss."""
