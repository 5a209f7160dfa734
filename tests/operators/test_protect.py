from __future__ import annotations

import pytest

from tilth.operators.protect import HOLE, Span, masked, outside, settled, spans


def found(text, wording=False):
    return [(text[span.start : span.end], span.kind) for span in spans(text, wording)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("运行 `pip list` 看看", [("`pip list`", "code")]),
        ("两个反引号 ``a`b`` 也算", [("``a`b``", "code")]),
        ("前\n```python\nx = 1\n```\n后", [("```python\nx = 1\n```", "fence")]),
        ("前\n~~~\nx `y`\n~~~\n后", [("~~~\nx `y`\n~~~", "fence")]),
        ("没关的\n```\n一\n\n二", [("```\n一\n\n二", "fence")]),
        ("1. 列表里\n   ```sh\n   ls\n   ```\n完", [("   ```sh\n   ls\n   ```", "fence")]),
        ("代码如下：```c\nint a;\n\nint b;\n```完", [("```c\nint a;\n\nint b;\n```", "code")]),
        ("````\n```\n内层\n```\n````", [("````\n```\n内层\n```\n````", "fence")]),
        ("由 $a^2+b^2=c^2$ 得", [("$a^2+b^2=c^2$", "math")]),
        ("面积 $S_{梯形}=6$ 时", [("$S_{梯形}=6$", "math")]),
        ("$$\nE = mc^2\n$$", [("$$\nE = mc^2\n$$", "math")]),
        (r"设 \(x<y\) 且 \[x>0\]", [(r"\(x<y\)", "math"), (r"\[x>0\]", "math")]),
        (r"\begin{cases}a&b\\c\end{cases}", [(r"\begin{cases}a&b\\c\end{cases}", "math")]),
        ("详见https://a.com/x，点击", [("https://a.com/x", "url")]),
        ("见 [文档](https://a.com/w_(b)). 完", [("https://a.com/w_(b)", "url")]),
        ("**https://a.com/x?y=1&z=2**。", [("https://a.com/x?y=1&z=2", "url")]),
        ("去www.example.cn看看", [("www.example.cn", "url")]),
        ("去WwW.Example.cn看看", [("WwW.Example.cn", "url")]),
        ("连 redis://h:6379/0 试试", [("redis://h:6379/0", "url")]),
    ],
)
def test_finds(text, kept):
    assert found(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "价格$5到$10",
        "花了 $5，又花了 $6。",
        "$100 和 $ 符号",
        "一个反引号 ` 不算",
        "成本 5$ 售价 6$ 左右",
        "<p>$5</p><p>只要x$</p>",
        r"转义的 \`不是代码\`",
        "C:\\temp\\x",
        "比例是3://不对么",
        "普通的一句话，没有什么。",
        "~~删除~~ 和 ~~ 两条",
        "《书》和“引文”",
    ],
)
def test_finds_nothing(text):
    assert found(text) == []


@pytest.mark.parametrize("quoted", ["“三点”", "「三点」", "『三点』", "《三点》"])
def test_quotes_are_protected_from_changes_of_wording_only(quoted):
    text = f"他说{quoted}见"
    assert found(text) == []
    assert spans(text, wording=True) == [Span(2, 6, "quote")]


def test_outside_changes_only_what_is_not_protected():
    text = "abc `abc` abc https://abc.cn/ abc “abc”"
    assert outside(text, str.upper) == "ABC `abc` ABC https://abc.cn/ ABC “ABC”"
    assert outside(text, str.upper, wording=True) == "ABC `abc` ABC https://abc.cn/ ABC “abc”"


def test_outside_without_a_trigger_hands_over_the_whole_text():
    seen = []
    outside("只有文字，一次给全。", lambda part: seen.append(part) or part)
    assert seen == ["只有文字，一次给全。"]


def test_masked_shows_the_neighbours_and_puts_the_spans_back():
    seen = []

    def change(text):
        seen.append(text)
        return text.replace(" ", "")

    text = "甲 `a b` 乙 $x y$ 丙"
    assert masked(text, spans(text), change) == "甲`a b`乙$x y$丙"
    assert seen == [f"甲 {HOLE} 乙 {HOLE} 丙"]


def test_masked_leaves_a_text_that_holds_the_mark_itself():
    text = f"甲 {HOLE} `a`"
    assert masked(text, spans(text), lambda part: part.replace(" ", "")) == text


def test_settled_goes_on_until_nothing_changes():
    assert settled("((((a))))", lambda text: text[1:-1] if text.startswith("(") else text) == "a"


@pytest.mark.parametrize(
    "opener", ["$a ", "`", "``a ", "\\( ", "\\[ ", "\\begin{a} ", "$$a\n\n", "www.(", "x://", "“", "<"]
)
def test_openers_without_closers_are_searched_in_linear_time(opener):
    text = "甲" + opener * 100_000
    assert len(outside(text, str, wording=True)) == len(text)
