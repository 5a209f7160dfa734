import pytest

from tilth.operators.clean import strip_list_number
from tilth.operators.list_numbers import ListNumber, leading_number
from tilth.sample import Message, Sample

from .test_dedup import decide


def asked(text, n=1, file="posts.jsonl", **more):
    return Sample(f"{n:016x}", f"{file}:{n}", (Message("user", text), Message("assistant", "答。")), **more)


def measured(*texts):
    samples = [asked(text, n) for n, text in enumerate(texts, 1)]
    return {place: verdict.signals["list_number"] for place, verdict in decide(ListNumber(), samples).items()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("151、鱼", (151, "marked")),
        ("182.鱼", (182, "marked")),
        ("151 鱼", (151, "bare")),
        ("鱼 151", None),
        ("3.14 是", None),
        ("10 个", None),
        ("2024年", None),
        ("1. 2. 3. 木头人", None),
    ],
)
def test_leading_number(text, found):
    assert leading_number(text) == found


def test_neighbours_that_count_along_prove_a_bare_number():
    found = measured("9 朋友会飞", "没有数字", "8 鱼会渴", "7 为什么下雨", "6 窗户在哪里")
    assert found == {"posts.jsonl:1": 9, "posts.jsonl:3": 8, "posts.jsonl:4": 7, "posts.jsonl:5": 6}


@pytest.mark.parametrize(
    "texts",
    [
        ("7 为什么是幸运数字", "鱼会渴吗", "门在哪里"),
        ("7 为什么是幸运数字", "520 为什么是表白日", "13 为什么不吉利"),
        ("3 加 4 得几", "4 加 5 得几", "5 加 6 得几"),
        ("8 鱼会渴", "7 为什么下雨"),
    ],
)
def test_numbers_that_do_not_count_along_or_are_part_of_the_text_prove_nothing(texts):
    assert measured(*texts) == {}


def test_a_bare_number_goes_only_with_its_proof():
    bare = asked("88 邻居家的猫会背诗")
    assert strip_list_number(bare) is bare
    proven = asked("88 邻居家的猫会背诗", signals={"list_number": 88})
    once = strip_list_number(proven)
    assert once.question == "邻居家的猫会背诗"
    assert strip_list_number(once) is once


def test_answers_are_left_alone_by_default():
    listed = Sample("0" * 16, "a.jsonl:1", (Message("user", "问"), Message("assistant", "1. 答")))
    assert strip_list_number(listed) is listed
