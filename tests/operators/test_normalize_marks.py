"""Marks and quotation marks: what becomes Chinese, and what is code, a number, a name or English."""

from __future__ import annotations

import pytest

from tests.operators.one_text import run
from tilth.operators import normalize


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("你好,世界!", "你好，世界！"),
        ("天气很好.我们走吧.", "天气很好。我们走吧。"),
        ("你来吗?来;那就好", "你来吗？来；那就好"),
        ("他说:走", "他说：走"),
        ("苹果, 香蕉", "苹果，香蕉"),
        ("注意(重要)事项", "注意（重要）事项"),
        ("甲(乙(丙))丁", "甲（乙（丙））丁"),
        ("人工智能(AI)是什么", "人工智能（AI）是什么"),
        ("接口API(应用程序接口)很多", "接口API（应用程序接口）很多"),
        ("我想...算了", "我想……算了"),
        ("等等。。。", "等等……"),
        ("他说:你好(笑)...", "他说：你好（笑）……"),
        ("真的吗?!", "真的吗？！"),
        ("《家》,巴金写的", "《家》，巴金写的"),
        ("今天我们学习怎么使用Python,然后写一个程序", "今天我们学习怎么使用Python，然后写一个程序"),
        ("会议时间:12:30", "会议时间：12:30"),
        ("**注意**:先关电源", "**注意**：先关电源"),
        ('他说:"走吧."', '他说："走吧。"'),
        ("如下:(1)开门", "如下：(1)开门"),
        ("他叫列夫.托尔斯泰.", "他叫列夫.托尔斯泰。"),
        ("先加盐;\n再加糖;", "先加盐；\n再加糖；"),
        ("已知x=3,求甲=乙时,结果是多少", "已知x=3，求甲=乙时，结果是多少"),
    ],
)
def test_punctuation(before, after):
    assert run(normalize.punctuation, before) == after


@pytest.mark.parametrize(
    "text",
    [
        "[1] 张三. 水的沸点[J]. 物理学报, 2020, 1(2): 3-4.",
        "李四. 云的故事[M/OL]. 北京: 某社, 2001.",
        "圆周率3.14,约1,000次",
        "比分3:2,时间12:30",
        "版本0.1.17,地址10.0.0.12",
        "打开 报告.docx 看看",
        "列夫.托尔斯泰",
        "飞过去的那个是彼得.潘吗",
        "第一章.总则与基本原则",
        "一. 概述",
        "今天很开心:)明天见",
        "我难过:(明天再说",
        "甲:乙=3:2",
        "I said 你好, and then he left.",
        "她(很美",
        "她很美)",
        "看图![示意](a.png)",
        "打印`你好,世界`吧",
        "见https://a.com/?q=a,b吧",
        'print("你好,世界")',
        "if (甲==乙) { 返回; }",
        "姓名,年龄,城市\n张三,20,北京",
        "面积=(长+宽)*2",
        "公式$中,文=x^2$",
        "搜索?q=天气",
        "見て,食べる",
        "C:盘:smile:",
    ],
)
def test_punctuation_keeps(text):
    assert run(normalize.punctuation, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('他说"你好"。', "他说“你好”。"),
        ('"人生"这个词', "“人生”这个词"),
        ('"你"和"我"', "“你”和“我”"),
        ('他说"OK"就走', "他说“OK”就走"),
        ('“他说"你好"”', "“他说‘你好’”"),
        ('一行"甲"\n一行"乙"', "一行“甲”\n一行“乙”"),
        ('何为"道"？', "何为“道”？"),
        ('《书》里的"道"', "《书》里的“道”"),
    ],
)
def test_quotes(before, after):
    assert run(normalize.quotes, before) == after


def test_quotes_in_corners():
    assert run(normalize.quotes, '他说"你好"', style="corner") == "他说「你好」"
    assert run(normalize.quotes, '「他说"你好"」', style="corner") == "「他说『你好』」"


@pytest.mark.parametrize(
    "text",
    [
        '他说"你好',
        '5"的屏幕和6"的屏幕',
        '{"姓名": "张三"}',
        'He said "你好" to me and then he left',
        '`"中"`与中',
        'print("中文")',
        '<a title="中">',
        '"a" and "b"',
        '"你“好"吗”',
        "“你好”「世界」",
        '空的""引号在此',
    ],
)
def test_quotes_keeps(text):
    assert run(normalize.quotes, text) == text
