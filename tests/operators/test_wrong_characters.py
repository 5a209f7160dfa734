import msgspec
import pytest

from tilth.errors import MissingExtra
from tilth.operators import words_zh
from tilth.sample import Message, Propose, Sample

from .test_dedup import decide

pytest.importorskip("jieba")
pytest.importorskip("pypinyin")

from tilth.operators.decoys import DECOYS, Tally, decoys
from tilth.operators.wrong_characters import WrongCharacters


def answered(text, n=1):
    return Sample(f"{n:016x}", f"a.jsonl:{n}", (Message("user", "请说说看。"), Message("assistant", text)))


def offered(text, *others):
    samples = [answered(each, n) for n, each in enumerate((text, *others), 1)]
    before = msgspec.json.encode(samples)
    found = decide(WrongCharacters(), samples)
    assert msgspec.json.encode(samples) == before
    verdict = found.get("a.jsonl:1")
    assert verdict is None or (isinstance(verdict, Propose) and verdict.sample is None)
    return verdict.proposals[0].after if verdict else text


WRONG = [
    ("我们要保护自然环竟。", "我们要保护自然环境。"),
    ("这件事重所周知。", "这件事众所周知。"),
    ("他对此毫不尤豫。", "他对此毫不犹豫。"),
    ("她从小就出类拔粹。", "她从小就出类拔萃。"),
    ("大家要实事求事地讨论。", "大家要实事求是地讨论。"),
    ("天气预抱说明天下雨。", "天气预报说明天下雨。"),
    ("请准时参加毕业典理。", "请准时参加毕业典礼。"),
    ("他们的合作很愉块。", "他们的合作很愉快。"),
]
RIGHT = [
    "我们要保护自然环境。",
    "一心一意地准备五一劳动节的活动。",
    "他步步紧逼，毫不犹豫。",
    "水在 100 度沸腾，`环竟` 是变量名。",
    "“自然环竟”四个字写错了。",
    "李明和黎明是两个人。",
    "克鲁兹和科鲁兹是同一款车吗？",
    "臺灣的媒體說他們很強大。",
    "床前明月光，疑是地上霜。",
    "Hello, world!",
    "",
]


@pytest.mark.parametrize(("before", "after"), WRONG)
def test_offers(before, after):
    assert offered(before) == after
    assert offered(after) == after


@pytest.mark.parametrize("text", RIGHT)
def test_leaves(text):
    assert offered(text) == text


def test_what_other_samples_write_the_same_way_is_a_term():
    text = "我们要保护自然环竟。"
    others = [f"自然环竟是第{n}个项目的名称。" for n in "一二三"]
    assert offered(text, *others) == text


def test_the_set_speaks_for_the_pairs_that_it_writes():
    text = "她的成积很好。"
    assert offered(text) == text
    assert offered(text, *["弟弟的成绩很好。"] * 9) == "她的成绩很好。"


def test_the_evidence_names_the_words():
    found = decide(WrongCharacters(), [answered("他们的合作很愉块。")])
    (proposal,) = found["a.jsonl:1"].proposals
    assert proposal.evidence["changes"][0][:2] == ["愉块", "愉快"]


def test_a_missing_dictionary_is_told_before_the_run(monkeypatch):
    words_zh._dictionary.cache_clear()
    monkeypatch.setattr(words_zh, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="wrong_characters"):
        WrongCharacters()


def test_apply_makes_what_is_sure_and_offers_the_rest():
    text = "他对此毫不尤豫，合作很愉块。"
    (verdict,) = decide(WrongCharacters(mode="apply"), [answered(text)]).values()
    assert verdict.sample.answer == "他对此毫不犹豫，合作很愉块。"
    (proposal,) = verdict.proposals
    assert (proposal.before, proposal.after) == (verdict.sample.answer, "他对此毫不犹豫，合作很愉快。")


def test_decoys_neither_sound_nor_look_like_the_hanzi():
    words_zh.words("a test")
    real = set(words_zh.lookalikes("境")) | {"境"}
    for n in range(DECOYS):
        found = decoys(n)("境")
        assert found
        assert not real & set(found)


def levels(found, chance):
    tally = Tally((2,))
    for decoy, each in ((False, found), (True, chance)):
        for level in each:
            tally.add(2, level, decoy=decoy)
    return tally.level(2, 0.8)


def test_the_more_the_decoys_find_the_more_is_asked():
    found = [n / 10 for n in range(-40, 60)]
    usual = levels([], [])
    assert (
        levels(found, []) < usual == 0.0 < levels(found, found[:70] * DECOYS) < levels(found, found * DECOYS)
    )
