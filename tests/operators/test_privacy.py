"""Personal data is found where it touches hanzi, and nothing else is taken for it. All values are made up."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.engine.library import read
from tilth.operators.base import OPERATORS
from tilth.operators.json_text import is_json
from tilth.operators.privacy import redact_pii
from tilth.operators.privacy_find import KINDS, find
from tilth.sample import Message, Sample

ID = "110101199003070038"
"""A shape with a right check digit; 110101199003070039 has a wrong one."""
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMQ"


def sample_of(question: str, answer: str = "好的") -> Sample:
    return Sample("0" * 16, "a.jsonl:1", (Message("user", question), Message("assistant", answer)))


def redacted(text: str, **settings: object) -> str:
    return redact_pii(sample_of(text), **settings).question


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("手机13812345678联系", "手机[电话]联系"),
        ("电话：+86 138-1234-5678", "电话：[电话]"),
        ("打8613812345678吧", "打[电话]吧"),
        ("138 1234 5678，13912345678", "[电话]，[电话]"),
        ("13812345678V同号", "[电话]V同号"),
        ("座机010-62345678转801", "座机[电话]"),
        ("（0755）82345678", "[电话]"),
        (f"身份证{ID}的人", "身份证[身份证]的人"),
        ("身份证号码为110101199003070039。", "身份证号码为[身份证]。"),
        ("号码11010119900307123x", "号码[身份证]"),
        ("身份证：110101900307123", "身份证：[身份证]"),
        ("卡号6222021234567890128", "卡号[银行卡]"),
        ("卡号6222021234567890127", "卡号[银行卡]"),
        ("银行卡号：6222 0212 3456 7890 127", "银行卡号：[银行卡]"),
        ("(021) 5888 8888转 12", "[电话]"),
        ("电话：0571－8765 4321", "电话：[电话]"),
        ("打+1 (415) 555-2671或+44 20 7946 0958", "打[电话]或[电话]"),
        ("call 415-555-2671 now", "call [电话] now"),
        ("护照号码：E12345678，港澳通行证C12345678", "护照号码：[护照]，港澳通行证[护照]"),
        ("Passport No. K01234567", "Passport No. [护照]"),
        ("车牌京A·12345停在楼下", "车牌[车牌]停在楼下"),
        ("沪AD12345和川A8K8L8", "[车牌]和[车牌]"),
        ("银行账号 4111 1111 1111 1111 请查收", "银行账号 [银行卡] 请查收"),
        ("邮箱zhang.san@example.com或手机", "邮箱[邮箱]或手机"),
        ("发到li_si＠163.com。", "发到[邮箱]。"),
        ("服务器203.0.113.7宕机", "服务器[IP]宕机"),
        ("地址是192.168.5.20:8080", "地址是[IP]:8080"),
        ("走2001:db8::8a2e:370:7334吧", "走[IP]吧"),
        ("加QQ12345678", "加QQ[QQ]"),
        ("QQ：64974问我", "QQ：[QQ]问我"),
        ("QQ号：123456789，", "QQ号：[QQ]，"),
        ("QQ群是87654321", "QQ群是[QQ]"),
        ("微信号zhangsan_88", "微信号[微信]"),
        ("微信：lisi2024", "微信：[微信]"),
        ("加v: wangwu99吧", "加v: wangwu99吧"),
        ("vx：wangwu99吧", "vx：[微信]吧"),
        ("密钥sk-abcd1234efgh5678ijkl", "密钥[密钥]"),
        ("ghp_abcdefghij0123456789ABCDEFGHIJ012345", "[密钥]"),
        ("AKIAABCDEFGHIJ234567", "[密钥]"),
        (f"令牌{JWT}失效", "令牌[密钥]失效"),
        ("password=Abc12345!", "password=[密钥]"),
        ("token=ghp_abcdefghij0123456789", "token=[密钥]"),
        (f"203.0.113.7-{ID}", "[IP]-[身份证]"),
        ("密码是998877", "密码是[密钥]"),
        ("redis://me:s3cret@db/0", "redis://me:[密钥]@db/0"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "[密钥]"),
        ("`13812345678`与“13812345678”", "`[电话]`与“[电话]”"),
        ("https://a.com/?tel=13812345678", "https://a.com/?tel=[电话]"),
    ],
)
def test_finds(before, after):
    assert redacted(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "圆周率3.13812345678",
        "订单13812345678901",
        "订单号：13812345678",
        "流水号20240501123456789012",
        "一共13812345678元",
        "12812345678",
        "图片13812345678.jpg",
        "600-150-1200-2000",
        "400-810-1234",
        "110101199013070038",
        "990101199003070038",
        f"编号：{ID[:-1]}9",
        "6222021234567890127",
        "会员卡6222021234567890127",
        "1234567890123456",
        "+100 200 300",
        "x = a+12 345 678",
        "服务热线400-810-1234",
        "新A股12345只",
        "京A级12345",
        "附表A12345",
        "新Apple12345",
        "型号E12345678",
        "护照过期了，E12345678是航班",
        "版本1.2.3.4",
        "1.2.3.4.5",
        "固件升级到10.0.0.1",
        "127.0.0.1与0.0.0.0与255.255.255.0",
        "路由器192.168.1.1",
        "300.1.1.1",
        "Chrome/12.34.56.78",
        "1.2.3.4 概述",
        "12:30:45",
        "std::vector",
        "00:1a:2b:3c:4d:5e与::1",
        "icon@2x.png",
        "vue@next.js",
        "git@github.com:a/b",
        "@张三 你好",
        "QQ2013版",
        "QQ有12345个用户",
        "微信小程序",
        "isWeixin: boolean",
        "微信号是什么",
        "密码是什么",
        "password=your_password1",
        "token: $TOKEN123",
        "password: user.password1",
        "sk-loading-spinner-animation",
        "2024-05-01 12:30",
    ],
)
def test_leaves(text):
    before = sample_of(text)
    assert find(text) == []
    assert redact_pii(before) is before


def test_counts_by_kind_and_keeps_other_signals():
    before = sample_of("13812345678和13912345678", "a@example.com").replace(signals={"turns": 1})
    after = redact_pii(before)
    assert after.signals == {"turns": 1, "pii": {"email": 1, "phone": 2}}
    assert after.answer == "[邮箱]"
    assert before.signals == {"turns": 1}


def test_chosen_kinds_language_and_field():
    text = "13812345678，a@example.com"
    assert redacted(text, kinds=["email"]) == "13812345678，[邮箱]"
    assert redacted(text, language="en") == "[PHONE]，[EMAIL]"
    assert redact_pii(sample_of(text), field="answer").question == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("13812345678", "138****5678"),
        (ID, "110101****0038"),
        ("zhangsan@example.com", "z***@example.com"),
        ("password=Abc12345!", "password=Ab****"),
        ("203.0.113.7", "203****"),
    ],
)
def test_masks(before, after):
    assert redacted(before, style="mask") == after
    assert redacted(after, style="mask") == after


def test_every_turn_thinking_and_the_rejected_answer():
    number = "13812345678"
    before = Sample(
        "0" * 16,
        "a.jsonl:1",
        (
            Message("system", number),
            Message("user", "问"),
            Message("assistant", "答", thinking=f"他的{number}"),
        ),
        rejected=(Message("assistant", number),),
    )
    after = redact_pii(before)
    assert after.messages[0].content == "[电话]"
    assert after.messages[2].thinking == "他的[电话]"
    assert after.rejected is not None
    assert after.rejected[0].content == "[电话]"
    assert after.signals["pii"] == {"phone": 3}
    assert redact_pii(before, field="answer").messages[0].content == number


def test_every_kind_has_a_case():
    kinds = OPERATORS.get("privacy.redact_pii").settings().model_dump()["kinds"]
    assert tuple(kinds) == KINDS
    assert len(KINDS) == 10


PIECES = st.sampled_from(
    [
        *"电话微信号密码是的。，：: -@.\n`",
        *"0123456789aZx_",
        "13812345678",
        ID,
        "6222021234567890128",
        "a@b.com",
        "203.0.113.7",
        "2001:db8::8a2e:1",
        "QQ",
        "微信号",
        "vx:",
        "010-62345678",
        "sk-abcd1234efgh5678ijkl",
        "password=",
        "Abc12345",
        JWT,
        "+86",
        "138-1234-5678",
        "身份证",
    ]
)


@given(
    st.lists(PIECES, max_size=16).map("".join),
    st.sampled_from(["tag", "mask"]),
    st.sampled_from(["zh", "en"]),
)
def test_idempotent(text, style, language):
    settings = {"style": style, "language": language}
    once = redact_pii(sample_of(text), **settings)
    assert redact_pii(once, **settings) is once
    assert find(once.question) == []


@pytest.mark.parametrize("secret", ["3#5g7^9b1&3", "a(b)c1;d{2}", "Abc123456"])
def test_a_password_under_its_key_goes_whole(secret):
    answered = json.dumps({"password": secret, "length": 11})
    before = Sample("0" * 16, "a:1", (Message("user", "问"), Message("tool", answered)))
    after = redact_pii(before)
    assert json.loads(after.messages[1].content) == {"password": "[密钥]", "length": 11}
    assert redact_pii(after) is after


@pytest.mark.real_data
def test_recall_on_running_text(real_data):
    people = json.loads(
        (real_data / "pii_multipriv" / "data_person_1000_zh.json").read_text(encoding="utf-8")
    )
    columns = {"phone": "phoneNumbers", "id": "idCardNumbers", "email": "emailAddress"}
    listed: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for person in people:
        text = person["naturalParagraph"]
        seen = {(finding.kind, finding.text) for finding in find(text)}
        for kind, column in columns.items():
            listed[kind] += str(person[column]) in text
            found[kind] += (kind, str(person[column])) in seen
    assert min(listed.values()) >= 90
    assert all(found[kind] >= 0.95 * listed[kind] for kind in columns), (found, listed)


@pytest.mark.real_data
def test_precision_on_text_without_personal_data(real_data):
    path = real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 240
    assert [finding for row in rows for finding in find(row["instruction"] + "\n" + row["output"])] == []


ANSWERED = '{"user": "李", "phone": 13812345678, "note": "行\\n13812345678", "password": "aB3#fG6&kL9@", "qq": 12345678, "count": 5}'


@pytest.mark.parametrize("style", ["tag", "mask"])
def test_what_a_tool_answers_stays_json(style):
    arguments = {"to": "a@b.com", "copies": 2}
    calls = (
        {"id": "c1", "type": "function", "function": {"name": "send", "arguments": json.dumps(arguments)}},
        {"id": "c2", "type": "function", "function": {"name": "send", "arguments": arguments}},
        {"id": "c3", "type": "function", "function": {"name": "now"}},
    )
    before = Sample(
        "0" * 16,
        "a:1",
        (Message("user", "问"), Message("assistant", "", tool_calls=calls), Message("tool", ANSWERED)),
    )
    after = redact_pii(before, style=style)
    answered = json.loads(after.messages[2].content)
    assert answered["user"] == "李"
    assert answered["count"] == 5
    said = json.dumps([answered, after.messages[1].tool_calls], ensure_ascii=False)
    assert not any(secret in said for secret in ("13812345678", "aB3#fG6", "12345678", "a@b.com"))
    first, second, third = after.messages[1].tool_calls
    assert json.loads(first["function"]["arguments"]) == second["function"]["arguments"]
    assert (first["id"], second["function"]["name"], third) == ("c1", "send", calls[2])
    assert after.signals["pii"] == {"email": 2, "phone": 2, "qq": 1, "secret": 1}
    assert redact_pii(after, style=style) is after
    assert redact_pii(before, field="question") is before


@pytest.mark.real_data
def test_every_tool_turn_of_real_calls_stays_json(real_data):
    changed = 0
    for sample in read(f"{real_data}/sft_llamafactory/glaive_toolcall_zh_demo.json"):
        for before, after in zip(sample.messages, redact_pii(sample).messages, strict=True):
            if before.role == "tool" and is_json(before.content):
                assert is_json(after.content)
                changed += before != after
    assert changed >= 10
