from dataclasses import replace

from tests.evaluation.pieces import protocol, question
from tilth.evaluation.protocol import Contestant, question_of
from tilth.models.base import Generation
from tilth.sample import Message, Sample


def sample(*turns):
    return Sample("a" * 16, "t:1", tuple(Message(role, text) for role, text in turns))


def test_a_question_is_everything_before_the_last_answer():
    asked = question_of(
        sample(("system", "简短"), ("user", "一"), ("assistant", "1"), ("user", "二"), ("assistant", "2"))
    )
    assert [m.content for m in asked.messages] == ["简短", "一", "1", "二"]
    assert asked.expected == "2"
    assert asked.text == "一\n二"


def test_a_question_without_an_answer_and_a_sample_without_a_question():
    assert question_of(sample(("user", "一"))).expected == ""
    assert question_of(sample(("assistant", "1"))) is None
    assert question_of(sample(("system", "简短"), ("assistant", "1"))) is None


def test_only_the_expected_answer_carries_loss():
    asked = question_of(sample(("user", "一"), ("assistant", "1"), ("user", "二"), ("assistant", "2")))
    assert [(m.content, m.loss) for m in asked.sample.messages] == [
        ("一", None),
        ("1", False),
        ("二", None),
        ("2", None),
    ]


def test_the_key_of_an_answer_depends_on_all_that_decides_it():
    asked = question(1)
    plan = protocol([asked])
    others = [
        replace(plan, before=Contestant("base", "m:9")),
        replace(plan, before=Contestant("base", "m:1", "other template")),
        replace(plan, generation=Generation(65, seed=42)),
    ]
    keys = {p.key("before", asked) for p in [plan, *others]} | {plan.key("before", question(1, "水干吗"))}
    assert len(keys) == 5
    assert plan.key("before", asked) == replace(plan, after=Contestant("x", "y")).key("before", question(2))


def test_the_digest_covers_the_whole_protocol():
    plan = protocol([question(1)])
    assert plan.digest == protocol([question(1)]).digest
    assert plan.digest != protocol([question(1, expected="是")]).digest
    assert plan.digest != protocol([question(1)], seed=1).digest
    assert plan.as_dict()["questions"][0]["messages"] == [{"role": "user", "content": "水湿吗"}]
    assert plan.as_dict()["digest"] == plan.digest
