"""Width, script and glossary, and what holds for every normalizer."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operators.one_text import run
from tilth.errors import MissingExtra, UserError
from tilth.operators import normalize
from tilth.operators.base import OPERATORS
from tilth.operators.normalize_script import _converter
from tilth.operators.protect import spans


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("第１２章", "第12章"),
        ("ＡＢＣ与ｘｙｚ", "ABC与xyz"),
        ("中\u3000文", "中 文"),
        ("\u3000\u3000段首", "  段首"),
        ("（１）甲，（２）乙。", "（1）甲，（2）乙。"),
        ("阿Ｑ正传", "阿Q正传"),
        ("《第３课》", "《第3课》"),
        ("价格￥５０", "价格￥50"),
    ],
)
def test_width(before, after):
    assert run(normalize.width, before) == after


@pytest.mark.parametrize(
    "text",
    ["你好，世界！", "（甲）；乙：丙？", "①②③", "½ 与 ™", "㎡ ㏑", "`Ａ`", "「全角」", "ｱｲｳ", "＠＃％"],
)
def test_width_keeps(text):
    assert run(normalize.width, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("虛偽", "虚伪"),
        ("「愛」與`愛`", "「爱」与`愛`"),
        ("軟體", "软体"),
        ("学习，简单", "学习，简单"),
        ("abc", "abc"),
    ],
)
def test_simplified(before, after):
    pytest.importorskip("opencc")
    assert run(normalize.simplified, before) == after


def test_simplified_words_and_a_converter_built_once():
    pytest.importorskip("opencc")
    _converter.cache_clear()
    assert run(normalize.simplified, "軟體", config="tw2sp") == "软件"
    assert run(normalize.simplified, "軟體", config="tw2sp") == "软件"
    assert _converter.cache_info().misses == 2


def test_simplified_names_the_extra(monkeypatch):
    _converter.cache_clear()
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(MissingExtra, match=r"tilth\[zh\]"):
        run(normalize.simplified, "虛偽")


TSV = "# 变体\t规范\t例外\n人工智慧\t人工智能\t人工智慧学会\nPytorch\tPyTorch\n机器\t机器人\nAI\t人工智能\n"


@pytest.fixture
def terms(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text(TSV, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("学人工智慧", "学人工智能"),
        ("加入人工智慧学会谈人工智慧", "加入人工智慧学会谈人工智能"),
        ("用Pytorch训练", "用PyTorch训练"),
        ("机器与机器人", "机器人与机器人"),
        ("懂AI的人", "懂人工智能的人"),
        ("PyTorch", "PyTorch"),
        ("OPENAI与AID", "OPENAI与AID"),
        ("“人工智慧”", "“人工智慧”"),
        ("`Pytorch`", "`Pytorch`"),
        ("https://a.com/Pytorch", "https://a.com/Pytorch"),
    ],
)
def test_glossary(terms, before, after):
    assert run(normalize.glossary, before, file=terms) == after


def test_glossary_in_yaml_and_read_again_when_changed(tmp_path):
    path = tmp_path / "terms.yaml"
    path.write_text("软体: 软件\n计算机: {to: 电脑, except: [计算机系]}\n", encoding="utf-8")
    assert run(normalize.glossary, "计算机系的计算机软体", file=str(path)) == "计算机系的电脑软件"
    path.write_text("软体: 软件包\n", encoding="utf-8")
    assert run(normalize.glossary, "计算机软体", file=str(path)) == "计算机软件包"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "只有一列\n", r"a\.tsv:1 is no glossary entry"),
        ("a.tsv", "甲\t乙\n甲\t丙\n", "stands for two forms"),
        ("a.tsv", "甲\t乙\n乙\t丙\n", "both a canonical form and a variant"),
        ("a.yaml", "甲: [乙]\n", "'甲' is no glossary entry"),
        ("a.yaml", "- 甲\n", "is no glossary entry"),
        ("a.yaml", "甲: {to: 乙\n", "is no YAML"),
    ],
)
def test_glossary_says_what_is_wrong(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        run(normalize.glossary, "甲", file=str(tmp_path / name))


def test_glossary_names_its_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        run(normalize.glossary, "甲", file=str(tmp_path / "none.tsv"))
    assert normalize.glossary_files({"file": "terms.tsv"}) == ["terms.tsv"]
    assert OPERATORS.get("normalize.glossary").files == ("file",)


PIECES = st.sampled_from(
    [
        *"你好中文的一二三十百千万两点块元钱米斤岁年月日号。，！？：；（）“”「」《》、",
        *"aBx019,.?!:;()\"'$ \n-/~¥￥*",
        "公里",
        "US$5",
        "2024/05/01",
        "03/05/2024",
        "2024年5月1日",
        "...",
        "。。。",
        "`a,b`",
        "```\n中,文\n```",
        "$x^2$",
        "https://a.com/中,b",
        "Ａ１\u3000",
        "虛軟體",
        ":)",
        "30块",
        "价格",
        "人工智慧",
        "AI",
        "“2024/5/1”",
        "\\(",
        "RMB",
    ]
)
SETTINGS: list[tuple[str, dict[str, object]]] = [
    ("width", {}),
    ("punctuation", {}),
    ("quotes", {}),
    ("quotes", {"style": "corner"}),
    ("dates", {}),
    ("dates", {"style": "zh"}),
    ("numbers", {}),
    ("numbers", {"style": "hanzi"}),
    ("currency", {}),
    ("currency", {"to": "symbol"}),
    ("simplified", {"config": "tw2sp"}),
    ("glossary", {}),
]
WORDING = {"dates", "numbers", "currency", "glossary"}


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_operators_are_idempotent_and_leave_protected_spans(name, settings, tmp_path_factory):
    if name == "simplified":
        pytest.importorskip("opencc")
    if name == "glossary":
        path = tmp_path_factory.mktemp("terms") / "terms.tsv"
        path.write_text(TSV, encoding="utf-8")
        settings = {"file": str(path)}
    operator = getattr(normalize, name)

    @given(st.lists(PIECES, max_size=24).map("".join))
    def holds(text):
        once = run(operator, text, **settings)
        assert run(operator, once, **settings) == once
        for span in spans(text, wording=name in WORDING):
            assert text[span.start : span.end] in once

    holds()


def test_every_operator_is_registered_and_tested():
    names = {name.removeprefix("normalize.") for name in OPERATORS.names() if name.startswith("normalize.")}
    assert names == {name for name, _ in SETTINGS}
    assert len(names) == 8
