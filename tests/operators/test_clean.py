from __future__ import annotations

import json
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.operators import clean
from tilth.operators.base import OPERATORS
from tilth.operators.lexicon import sections
from tilth.operators.protect import spans
from tilth.sample import Message, Propose, Sample

NAMES = sorted(name for name in OPERATORS.names() if name.startswith("clean."))
ASKED = {"clean.join_split_words": {"mode": "apply"}}
"""What a recipe must say before a step changes a text by itself."""


def ask(question, answer="好。"):
    return Sample("0" * 16, "t:1", (Message("user", question), Message("assistant", answer)))


def run(name, text, field="question"):
    before = ask(text) if field == "question" else ask("问", text)
    after = OPERATORS.get(f"clean.{name}").target(before, field=field, **ASKED.get(f"clean.{name}", {}))
    return after.question if field == "question" else after.answer


HTML = [
    ("<p>水的<b>沸点</b>是 100&nbsp;度。</p>", "水的沸点是 100 度。"),
    ('<div class="x"><p>一</p>\n  <p>二<br/>三</p></div>', "一\n二\n三"),
    ("你好<script>alert(1)</script>世界<!-- 注 -->。", "你好世界。"),
    ("<style>p{color:red}</style>正文", "正文"),
    ('看<a href="https://a.com/?a=1&amp;b=2" target=_blank>这里</a>吧', "看这里吧"),
    ("<P ALIGN=center>Hello, <I>world</I>!</P>", "Hello, world!"),
    ("<ul><li>甲</li><li>乙</li></ul>", "甲\n乙"),
    ("<table><tr><td>甲</td><td>1</td></tr><tr><td>乙</td></tr></table>", "甲 1\n乙"),
    ("一行<br>两行", "一行\n两行"),
    ("图片<img src='a.png' alt=\"图\"/>在此", "图片在此"),
    ("句子<o:p></o:p>完", "句子完"),
    ("多出来的</div>", "多出来的"),
    ("他说&quot;好&quot;&hellip;", '他说"好"…'),
    ("for i&lt;n &amp;&amp; j&gt;2", "for i<n && j>2"),
    ("It&#39;s &#x4f60;", "It's 你"),
    ("<p>若 a<b 且 c>d，则 a<d</p>", "若 a<b 且 c>d，则 a<d"),
    ("<p>看：</p>\n```html\n<b>x</b>&amp;\n```", "看：\n```html\n<b>x</b>&amp;\n```"),
]
NOT_HTML = [
    '写一个网页：\n<html>\n<body class="a">\n<h1>Hi</h1>\n</body>\n</html>',
    "标签有<a>、<p>、<img>三种",
    "段落用<p>和<br>分开",
    "The elements: <p>, <li>",
    "若 a<b 且 c>d，则 a<d",
    "if (a<b && b>c) return;",
    "a <b and c> d",
    "List<String> x = new ArrayList<>();",
    "Map<K, V> 和 <T> 是泛型",
    "把 <name> 换成你的名字，<title> 换成题目",
    "用<b>标签加粗</b>",
    "<div>和<span>有什么区别？",
    "HTML 里 <br> 起什么作用？",
    "&lt;b&gt;加粗&lt;/b&gt;",
    "&lt;br>这样",
    "&amp;lt; 显示为 &lt;b&gt;",
    "&nbsp;是一个转义字符",
    "AT&T; R&D; &num; p = &reg;",
    "`<p>行内</p>` 与 $a<b$、https://b.com/?a=1&amp;b=2",
    "```\n<p>代码</p>\n```",
    "<root><item>值</item><p>段</p></root>",
    "<el-table><div>表</div></el-table>",
    '<div v-if="ok"><p>模板</p></div>',
    "<!DOCTYPE html><p>页</p>",
    '点 <input type="file"/> 上传',
    "x<-y, y->x, a<=b, <3",
    "1 < 2 > 0，<中文> 不是标签",
]
BOILERPLATE = [
    ("水会结冰。\n扫码关注公众号", "水会结冰。"),
    ("水会结冰。如果觉得有用，请点赞、收藏、转发哦！", "水会结冰。"),
    ("正文。\n喜欢的话记得点赞👍收藏哦❤️", "正文。"),
    ("正文。\n\n关注公众号：田间笔记\n长按识别二维码", "正文。"),
    ("正文。\n欢迎加入QQ群：123456789\n第二段。", "正文。\n第二段。"),
    ("正文。更多精彩内容，请关注我们。", "正文。"),
    ("正文。\n点击阅读原文", "正文。"),
    ("正文。\n责任编辑：老王", "正文。"),
    ("正文。\n未经授权，禁止转载！", "正文。"),
    ("为什么天是蓝的？\n如题，求解。", "为什么天是蓝的？\n求解。"),
    ("为什么天是蓝的？\n如题", "为什么天是蓝的？"),
    ("为什么鱼不会淹死 如题", "为什么鱼不会淹死"),
    ("如题：怎样学好数学？", "怎样学好数学？"),
    ("正文！\n大家喜欢的话，别忘了一键三连～", "正文！"),
    ("第一段。\n\n列表：\n- 甲\n- 乙\n结尾。记得点赞收藏哦！", "第一段。\n\n列表：\n- 甲\n- 乙\n结尾。"),
    ("正文。\n\n欢迎关注我的公众号：知识小站，回复“资料”领取。", "正文。"),
    ("正文。\n编辑于 2021-03-05 12:30・IP 属地北京", "正文。"),
    ("正文。\n著作权归作者所有。商业转载请联系作者获得授权，非商业转载请注明出处。", "正文。"),
    ("正文。\n本文首发于公众号：程序员小灰", "正文。"),
    ("正文。码字不易，点个赞再走呗～", "正文。"),
    ("正文。\n求赞求收藏求关注！", "正文。"),
    ("正文。\n（责编：李楠、赵敏）", "正文。"),
    ("正文。\n分享到：微信 微博 QQ空间", "正文。"),
]
NOT_BOILERPLATE = [
    "二维码为什么是黑白的？",
    "关注公众号的人越来越多。",
    "怎样让别人给我点赞？",
    "公众号和小程序有什么区别",
    "收藏品的价格由供求决定。",
    "请写一句话，提醒读者点赞收藏。",
    "1. 打开微信\n2. 扫描二维码\n3. 付款",
    "他每天给我的文章点赞，我很感动。",
    "如题目所示，求 x 的值。",
    "试题如题一所示",
    "加群聊天让他很快乐。",
    "`点赞`\n`关注我`",
    "点赞收藏",
    "参与方式：点赞并转发本条微博。",
    "更多内容见第三章。",
    "正文。\n关注我，带你去哪里好呢？",
    "正文。\n关注我，带你看 `x`",
    "正文。\n来源：田间日报",
    "这本书发布于 2019-10-01，后来再版。",
    "著作权归谁所有？",
    "点赞是一种礼貌。",
    "码字不易。",
    "他求我收藏这幅画。",
    "回复老师的邮件，领取奖学金。",
    "在群里讨论学习",
]
MOJIBAKE = [
    ("浣犲ソ锛屼笘鐣屻€傚ソ", "你好，世界。好"),
    ("他说：浜哄伐鏅鸿兘！", "他说：人工智能！"),
    ("ä½\xa0å¥½", "你好"),
    ("ä½ å¥½", "你好"),
    ("Ï\x80 å\x9c\x86å\x91¨ç\x8e\x87 â\x85\x93", "π 圆周率 ⅓"),
    ("ä¸–ç•Œï¼Œæˆ‘æ\x9d¥äº†", "世界，我来了"),
    ("ÄãºÃ£¬ÊÀ½ç", "你好，世界"),
    ("donâ€™t â€œworryâ€\x9d", "don’t “worry”"),
    ("don鈥檛", "don’t"),
    ("cafÃ© Ã\xa0 la crÃ¨me", "café à la crème"),
    ("笑ðŸ˜€了", "笑😀了"),
    ("Ã¤Â½Â\xa0Ã¥Â¥Â½", "你好"),
]
HEALTHY = [
    "普通的一句话，没有什么问题。",
    "饕餮、魑魅魍魉、龘、氍毹、瓘琰",
    "联通 WiFi没? 5A楼",
    "こんにちは、世界。ソニー",
    "À bientôt, «CAFÉ» à “Noël” — où ça ?",
    "Größe Ångström naïve São Paulo ÄÖÜ",
    "😀👩\u200d🔬🇨🇳 ★☆",
    "丢了的�字还是�",
    "锟斤拷烫烫烫",
    "····×××§§§ ©2024 ½ 25°C",
    "caf茅",
    "´´´´ °°°° ±±±±",
    "Привет, мир! Ελλάδα 한국어",
    "`浣犲ソ`",
]
INVISIBLE = [
    ("零\u200b宽", "零宽"),
    ("\ufeff开头", "开头"),
    ("soft\u00adhyphen", "softhyphen"),
    ("左\u200e右\u200f\u202a向\u202c", "左右向"),
    ("响\x07铃\x00", "响铃"),
    ("c1\x9d控制", "c1控制"),
    ("\x1b[31m红\x1b[0m色", "红色"),
    ("眼球\u200d转动", "眼球转动"),
    ("字\ufe0f", "字"),
    ("换\u2028行\x0c页", "换\n行\n页"),
    ("隐\U000e0041藏", "隐藏"),
]
VISIBLE = [
    "普通文字\n第二行\t制表",
    "👩\u200d🔬 👨\u200d👩\u200d👧 🏊🏻\u200d♂️",
    "❤️ ☺︎ 1️⃣ #️⃣ 2⃣️",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می\u200cخواهم",
    "क्\u200dष",
    "`零\u200b宽`",
    "「全　角」 café ﾊﾝｶｸ",
    "一行\r\n二行",
    "葛\U000e0100飾",
]
LOOSE = [
    ("一  句   话", "一 句 话"),
    ("一\u3000\u3000二", "一 二"),
    ("一\r\n二\r三", "一\n二\n三"),
    ("一  \n二\t\n三\u3000", "一\n二\n三"),
    ("一\n\n\n\n二\n \n \n三", "一\n\n二\n\n三"),
    ("\n\n  首尾 \n\n", "首尾"),
    ("\u3000\u3000段首缩进。\n\u3000\u3000第二段。", "段首缩进。\n第二段。"),
    ("Two  words.  End.", "Two words. End."),
    ("    段首缩进。", "段首缩进。"),
    ("    Note (see below): it rains.", "Note (see below): it rains."),
    ("看：\r\n```\r\na  b\r\n\r\n\r\nc\r\n```\r\n", "看：\n```\na  b\n\n\nc\n```"),
]
TIGHT = [
    "一 句 话",
    "- 甲\n  - 乙\n    - 丙",
    "代码：\n    if a:\n        b  =  1",
    "    def f():\n        return 1",
    "    return sum(x) + 1",
    "    total = 0\n\ndef g():\n    pass",
    "  return x;",
    "\tprint(x)",
    "| 甲  | 乙 |\n|-----|----|\n| 1   | 2  |",
    "商品      数量     单价\n苹果      1        2",
    "```\na  b\n\n\n\nc\n```",
    "制表\t分隔\t行",
    "`a  b`",
    "$a  b$",
]
SPLIT = [
    ("化学 成分", "化学成分"),
    (
        "1. **化学 成分**：食用油由脂肪制成，可以吃。还有，六个标点。",
        "1. **化学成分**：食用油由脂肪制成，可以吃。还有，六个标点。",
    ),
    ("首先，保持头脑清 醒，不要慌；其次，慢慢走，别跑。", "首先，保持头脑清醒，不要慌；其次，慢慢走，别跑。"),
    ("水，火，土，气，木，金，都是物\u3000质。", "水，火，土，气，木，金，都是物质。"),
    ("他说：“这 里很好。”我们，你们，他们，都来了。", "他说：“这里很好。”我们，你们，他们，都来了。"),
    ("- 电 脑：一种机器，能算，能写，能画，能听。", "- 电脑：一种机器，能算，能写，能画，能听。"),
    ("我们，都，是，好，朋 友。\n对，吗？", "我们，都，是，好，朋友。\n对，吗？"),
    ("在这，里，也，是，的，的，这 是一句完整的话。", "在这，里，也，是，的，的，这是一句完整的话。"),
]
MEANT = [
    "春 夏 秋 冬",
    "一年有四季，即，春 夏 秋 冬，各有，各的，好处，是的。",
    "床前明月光 疑是地上霜",
    "张三 李四",
    "来的人有，张三 李四，别的，人，都，没，来。",
    "# 第一章 绪论\n一，二，三，四，五，六，七。",
    "| 化学 成分 | 一，二，三，四，五，六 |",
    "商品描述    数量 单价，一，二，三，四，五，六。",
    "今天很累 不想动 明天再说\n好的 就这样",
    "我说 你听，他 看。",
    "第一步 去死皮\n然后，再，来，一，次，好，吗。",
    "中文 English 混排 no join",
    "`化学 成分`",
]
MARKED = [
    ("水在100度沸腾[1]。", "水在100度沸腾。"),
    ("研究[1][2]发现，鱼会睡觉。", "研究发现，鱼会睡觉。"),
    ("鱼会睡觉。[3]鸟也会。", "鱼会睡觉。鸟也会。"),
    ("鱼会睡觉 [12]。", "鱼会睡觉。"),
    ("鱼会睡觉[1,3]，鸟也会[2-4]。", "鱼会睡觉，鸟也会。"),
    ("Fish sleep.[1] Birds do too.[2]", "Fish sleep. Birds do too."),
    ("结果如下【4:0†source】。", "结果如下。"),
    ("结果〔citation:3〕与[citation:1]一致", "结果与一致"),
    ("天是蓝的【来源1】。", "天是蓝的。"),
    ("脚注在此[^2]。", "脚注在此。"),
    ("助手：你好", "你好"),
    ("助手：说明标签没有骗人。", "说明标签没有骗人。"),
    ("User: How are you?\nAssistant:", "How are you?"),
    ("<|im_start|>user\n你好<|im_end|>", "你好"),
    ("[INST] 写一首诗 [/INST]", "写一首诗"),
    ("答案是四。</s>", "答案是四。"),
]
UNMARKED = [
    "取 a[1] 的值",
    "数组[1]是第二个元素",
    "输入：[5, 3, 9]",
    "比如[2,2,2]就不行",
    "排好得[3,1]，再来",
    "见文献[1]。",
    "请输入[1]或[2]继续",
    "点[1](https://a.com)打开",
    "正文[1]。\n\n[1] 张三. 鱼的睡眠",
    "正文[^2]。\n\n[^2]: 说明",
    "`水沸腾[1]。`",
    "国发〔2021〕1439号文件",
    "【1】先做这个【2】再做那个",
    "用户：你好\n助手：你好，有什么事？",
    "系统：Windows 10",
    "<|im_start|> 是什么特殊 token？",
    "User: root\nPassword: 123",
    "结束时要输出特殊 token </s>",
    "助手：",
    "array[1][2] = b[3];",
]
NUMBERED = [
    ("151、鱼会渴吗", "鱼会渴吗"),
    ("182.鱼会渴吗", "鱼会渴吗"),
    ("182．鱼会渴吗", "鱼会渴吗"),
    ("3）鱼会渴吗", "鱼会渴吗"),
    ("3) 鱼会渴吗", "鱼会渴吗"),
    ("7. Do fish sleep?", "Do fish sleep?"),
    ("26.“鱼会渴吗？”他问", "“鱼会渴吗？”他问"),
    ("4、小明有5条鱼", "小明有5条鱼"),
]
UNNUMBERED = [
    "1.5倍",
    "3.14是什么",
    "2024年的鱼",
    "10 个鱼缸",
    "1、2、3，木头人",
    "1. 烧水\n2. 放鱼",
    "88 邻居家的猫",
    "12345、鱼",
    "3:2",
]
CHANGES = {
    "strip_html": (HTML, NOT_HTML),
    "strip_boilerplate": (BOILERPLATE, NOT_BOILERPLATE),
    "fix_mojibake": (MOJIBAKE, HEALTHY),
    "strip_invisible": (INVISIBLE, VISIBLE),
    "squeeze_whitespace": (LOOSE, TIGHT),
    "join_split_words": (SPLIT, MEANT),
    "strip_markers": (MARKED, UNMARKED),
    "strip_list_number": (NUMBERED, UNNUMBERED),
}


def test_every_operator_of_the_family_has_its_tables():
    assert sorted(f"clean.{name}" for name in CHANGES) == NAMES
    assert sorted(CHANGES) == sorted(clean.__all__)
    assert all(len(table) >= 8 for tables in CHANGES.values() for table in tables)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [(name, *case) for name, (changed, _) in CHANGES.items() for case in changed],
)
def test_changes(name, before, after):
    assert run(name, before) == after
    assert run(name, after) == after


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, (_, same) in CHANGES.items() for text in same]
)
def test_leaves(name, text):
    sample = ask(text, text)
    assert (
        OPERATORS.get(f"clean.{name}").target(sample, field="both", **ASKED.get(f"clean.{name}", {}))
        is sample
    )


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_true(name):
    for example in OPERATORS.get(name).examples:
        before, _, after = example.partition(" → ")
        expected = before if after == "(unchanged)" else after
        assert run(name.removeprefix("clean."), before) == expected


def test_html_is_kept_where_the_conversation_is_about_it():
    sample = ask("写一个 HTML 表格", "<table><tr><td>1</td></tr></table>")
    assert clean.strip_html(sample) is sample


def test_a_rich_text_about_html_is_still_cleaned():
    assert run("strip_html", "<p>HTML 是<b>超文本</b>语言</p>") == "HTML 是超文本语言"


def test_join_split_words_leaves_questions_alone_by_default():
    sample = ask("化学 成分", "化学 成分")
    after = clean.join_split_words(sample, mode="apply")
    assert isinstance(after, Sample)
    assert (after.question, after.answer) == ("化学 成分", "化学成分")


def test_join_split_words_only_offers_by_default():
    offered = clean.join_split_words(ask("化学 成分", "化学 成分"))
    assert isinstance(offered, Propose)
    assert [(p.field, p.before, p.after) for p in offered.proposals] == [("answer", "化学 成分", "化学成分")]
    assert offered.sample is None


def test_system_turns_are_left_alone():
    sample = Sample("0" * 16, "t:1", (Message("system", "<p>规\u200b则</p>  "), Message("user", "问")))
    assert all(OPERATORS.get(name).target(sample) is sample for name in NAMES)


def test_every_call_of_the_boilerplate_list_has_a_hint():
    lists = sections("boilerplate.txt")
    assert len(lists["call"]) >= 20
    assert [call for call in lists["call"] if not any(hint in call for hint in lists["hint"])] == []


def test_a_long_run_of_ambiguous_phrases_is_decided():
    assert run("strip_boilerplate", "正文。" + "点赞收藏" * 14 + "X") == "正文。" + "点赞收藏" * 14 + "X"


PIECES = st.sampled_from(
    [case[0] for changed, _ in CHANGES.values() for case in changed]
    + [text for _, same in CHANGES.values() for text in same]
    + list("\n \u3000\t<>&;`$[]\"'，。水火\u200b\u200d️😀1a")
    + [
        "<b>",
        "</b>",
        "&lt;",
        "&amp;",
        "\r\n",
        "如题",
        "点赞",
        "```",
        "~~~",
        "\\(",
        "\\)",
        "[1]",
        "User:",
        "</s>",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=40))
PROTECTED = st.sampled_from(
    [
        "`<b>a  [1]</b>`",
        "$x<p>y$",
        "https://a.com/?x[1]=2",
        "\n\n```html\n<p>a  b</p>\n\n\n如题 化学 成分[1]。\n点赞\n```\n\n",
        "\n\n~~~\n浣犲ソ\u200b\n~~~\n\n",
    ]
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(question=TEXTS, answer=TEXTS)
def test_twice_is_once_and_the_input_is_unchanged(name, question, answer):
    target = partial(OPERATORS.get(name).target, **ASKED.get(name, {}))
    sample, copy = ask(question, answer), ask(question, answer)
    once = target(sample, field="both")
    assert sample == copy
    assert target(once, field="both") is once
    assert (once is sample) == (once == sample)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(before=st.sampled_from(["", "水会结冰。", "<p>甲</p>", "零\u200b宽 ", "化学 成分，"]), span=PROTECTED)
def test_protected_spans_survive(name, before, span):
    text = f"{before} {span} 水在100度沸腾[1]。\n喜欢的话请点赞"
    kept = [text[found.start : found.end].strip("\n") for found in spans(text)]
    after = run(name.removeprefix("clean."), text)
    assert kept
    assert [part for part in kept if part not in after] == []


@pytest.mark.real_data
def test_the_stray_spaces_of_the_tutorial_answers_are_all_closed(real_data):
    path = real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    samples = [ask(record["instruction"], record["output"]) for record in records]
    cleaned = [clean.join_split_words(sample, mode="apply") for sample in samples]
    changed = [(a, b) for a, b in zip(samples, cleaned, strict=True) if a is not b]
    stray = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
    assert len(changed) == 29
    assert sum(len(stray.findall(before.answer)) for before, _ in changed) == 61
    assert all(after.answer == stray.sub("", before.answer) for before, after in changed)
    assert all(after.question == before.question for before, after in changed)


@pytest.mark.real_data
def test_markup_that_is_code_survives_in_the_programming_answers(real_data):
    path = real_data / "cqia" / "segmentfault_segmentfault_upvote5_clean.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    samples = [ask(record["instruction"], record["output"]) for record in records]
    assert sum("<" in sample.answer for sample in samples) > 50
    assert [sample.question for sample in samples if clean.strip_html(sample) is not sample] == []
