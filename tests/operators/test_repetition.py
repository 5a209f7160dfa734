"""What says itself again: loops do, in prose and in code; code that is merely code does not."""

from __future__ import annotations

import random

import pytest

from tilth.operators.repeats import repeats
from tilth.operators.repetition import prose, repetition_of

TABLE = "\n".join(
    f"""    case '{name}':
      this.total = this.total + this.{name};
      this.shown.push(this.{name});
      break;"""
    for name in ("apples", "pears", "plums", "cherries", "grapes")
)
PYTHON = """def area(shape):
    if shape.kind == "square":
        return shape.side * shape.side
    if shape.kind == "circle":
        return shape.radius * shape.radius * 3.14
    raise ValueError(shape.kind)

print(area(Shape("square", side=3)))
print(area(Shape("circle", radius=3)))
print(area(Shape("square", side=4)))
"""
HTML = "<ul>\n" + "".join(f'  <li class="item item-wide item-tall">{n}</li>\n' for n in range(9)) + "</ul>\n"
SQL = "\n".join(
    f"SELECT id, name, price, stock FROM goods WHERE kind = {n} ORDER BY price;" for n in range(5)
)


@pytest.mark.parametrize("code", [TABLE, PYTHON, HTML, SQL])
def test_code_that_no_fence_marks_is_not_repetitive(code):
    assert repetition_of(f"可以这样写：\n{code}\n这样就行了。") == 0


def test_a_loop_of_code_lines_is_still_a_loop():
    assert repetition_of("可以这样写：\n" + "total = total + first.value * second.value\n" * 60) > 0.9
    assert repetition_of("好的：\n" + PYTHON * 12) > 0.85


def test_a_loop_in_prose_is_not_hidden_by_code_before_it():
    assert repetition_of(f"{PYTHON}\n" + "这样就可以得到正确的结果了，" * 60) > 0.6


@pytest.mark.parametrize(
    "loop",
    [
        "first; then we rest\n" * 40,
        "我爱你\n" * 40,
        "1. 吃饭睡觉打豆豆，然后再吃饭\n" * 30,
        "He said (again): I will not go there today.\n" * 30,
    ],
)
def test_loops_of_lines_are_found(loop):
    assert repetition_of(loop) > 0.9


def test_a_long_line_costs_no_more_than_its_length():
    for text in ("<a" * 50_000, "a" * 100_000 + "(", "x[" * 50_000 + "= 1"):
        repetition_of(f"{text}\n{text}\n{text}\n{text}\n" + "一二三四五六七八" * 2)


def test_what_repeats_no_units_repeats_nothing():
    """`filter.repetition` asks the fast look first; what that lets pass must have the share 0."""
    rng = random.Random(5)
    lines = [
        *PYTHON.splitlines(),
        *SQL.splitlines(),
        "先看 `a` 再说",
        "这一行是话，那一行也是话",
        "",
        "}",
        "x = 1",
    ]
    texts = ["\n".join(rng.choices(lines, k=rng.randint(1, 14))) for _ in range(800)]
    shut = [text for text, found in zip(texts, repeats(list(map(prose, texts)), 0), strict=True) if not found]
    assert len(shut) > 100
    assert {repetition_of(text) for text in shut} == {0.0}
