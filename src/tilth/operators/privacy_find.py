"""Finds personal data and secrets in running text.

No pattern relies on word boundaries, which do not exist between a hanzi and a digit. Each candidate is checked by
what its kind promises: a calendar date and region code (GB 11643-1999), the Luhn sum (ISO/IEC 7812-1), an address
that parses. Where a shape alone is no proof, a word before it must say what it is; where 卡号 stands before a number of
a bank's shape, a wrong sum is taken for a slip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal, NamedTuple, get_args

from tilth.operators.regex import Hint, regex

Kind = Literal["phone", "email", "id", "bank_card", "passport", "plate", "ip", "qq", "wechat", "secret"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_Spans = Iterator[tuple[int, int]]


class Finding(NamedTuple):
    """One piece of personal data: `text` stands at `start:end`."""

    start: int
    end: int
    kind: Kind
    text: str


def find(text: str, kinds: Sequence[Kind] = KINDS) -> list[Finding]:
    """What personal data `text` holds, in order and without overlap."""
    if not _GATE(text):
        return []
    found: list[Finding] = []
    taken = bytearray(len(text))
    for kind, finder, hint in _FINDERS:
        if kind not in kinds or not hint(text):
            continue
        for start, end in finder(text):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Finding(start, end, kind, text[start:end]))
    return sorted(found)


def _pattern(body: str) -> re.Pattern[str]:
    return regex(body, re.VERBOSE | re.ASCII)


_GATE = Hint(
    r"[0-9][0-9 .()（）-]{4}|[@＠]|:[0-9A-Fa-f]{0,4}:|PRIVATE KEY|eyJ|AKIA|ASIA|LTAI|AIza"
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]"
    r"|sk-|xox[a-z]-|glpat-|gh[a-z]_|hf_|github_pat_|微信|薇信|威信|密码|口令|密钥|[vV]信"
    r"|(?i-u:passw|pwd|secret|token|api[_-]?key|access[_-]?key|wechat|weixin|[vw]x)"
)
_ORDER = _pattern(r"""
    (?:订?单|编|流水|序列|运单|学|工|商品|合同|批次|条形?)(?:编?号码?|码)[是为:：\ \#=]{0,3}$
  | (?i:order|isbn|serial)[ _-]?(?i:no\.?|number|id)?[:：\ \#=]{0,3}$
""")
_UNIT_AFTER = r"(?![ ]?[元个只次吨米篇万亿%％])"


def _before(match: re.Match[str], size: int = 14) -> str:
    start = match.start("value") if "value" in match.re.groupindex else match.start()
    return match.string[max(0, start - size) : start]


_MOBILE = _pattern(rf"""
    (?<![0-9A-Za-z_])(?<![0-9][.．,-]) (?:(?:\+|00)?86[ -]?)? 1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}
    (?![0-9_] | [.,]\d | \.[A-Za-z] | (?![vVwWqQ])[A-Za-z]) {_UNIT_AFTER}
""")
_AREA = r"0(?:10|2\d|[3-9]\d{2})"
_LANDLINE = _pattern(rf"""
    (?<![0-9A-Za-z_./])(?<![0-9]-) (?:\+?86-)? (?:[(（]{_AREA}[)）][ -]? | {_AREA}[-－–—])
    [2-9]\d{{2,3}}[ -]?\d{{4}} (?:(?:-|[ ]?转[ ]?)\d{{1,5}})? (?![0-9] | [-.]\d)
""")
_ABROAD = _pattern(r"""
    (?<![0-9A-Za-z_+]) (?: \+(?!86)[1-9]\d{0,2}(?=[ .-]?\(?\d) (?:[ .-]?\(?\d{1,4}\)?){2,5}
      | (?<![0-9][-.])(?: \([2-9]\d{2}\)[ ]?[2-9]\d{2}-\d{4} | (?!(?:400|800)-)[2-9]\d{2}-[2-9]\d{2}-\d{4} ) )
    (?![0-9A-Za-z_] | [-.]\d)
""")
_DIGITS_ABROAD = range(10, 16)
"""Digits of a number with a country code (ITU-T E.164)."""


def _phones(text: str) -> _Spans:
    for pattern in (_MOBILE, _LANDLINE):
        for match in pattern.finditer(text):
            if not _ORDER.search(_before(match)):
                yield match.span()
    for match in _ABROAD.finditer(text):
        digits = sum(map(str.isdigit, match[0]))
        if (match[0][0] != "+" or digits in _DIGITS_ABROAD) and not _ORDER.search(_before(match)):
            yield match.span()


_LONG_ID = _pattern(r"""
    (?<![0-9A-Za-z_])(?<![0-9][.．,]) [1-9]\d{5}[ -]?(?:19|20)\d{6}[ -]?\d{3}[0-9Xx] (?![0-9A-Za-z_] | [.,]\d)
""")
_SHORT_ID = _pattern(r"身份证[^0-9\n]{0,8}(?P<value>[1-9]\d{14})(?![0-9A-Za-z_])")
_REGION = regex(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _ids(text: str) -> _Spans:
    """Resident ids; the check digit decides only where a word says that it is some other number."""
    for match in _LONG_ID.finditer(text):
        digits = re.sub("[ -]", "", match[0])
        other = "身份" not in _before(match) and _ORDER.search(_before(match))
        if _is_id(digits[:2], digits[6:14]) and (not other or _has_check_digit(digits)):
            yield match.span()
    for match in _SHORT_ID.finditer(text):
        if _is_id(match["value"][:2], f"19{match['value'][6:12]}"):
            yield match.span("value")


def _is_id(region: str, born: str) -> bool:
    try:
        date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return False
    return bool(_REGION.fullmatch(region))


def _has_check_digit(digits: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return "10X98765432"[total % 11] == digits[-1].upper()


_CARD = _pattern(r"""
    (?<![0-9A-Za-z_])(?<![0-9][ .,-]) \d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})? (?![0-9A-Za-z_] | [ .,-]\d)
""")
_CARD_WORD = regex(r"银行|[^名]卡号?|账[号户]|(?i:card|account)")
_BANK_WORD = regex(r"(?:银行|储蓄|信用|借记)卡|卡号")
_ISSUER = regex(r"62|4|5[1-5]|35")


def _cards(text: str) -> _Spans:
    for match in _CARD.finditer(text):
        digits = re.sub("[ -]", "", match[0])
        named = _CARD_WORD.search(_before(match, 20))
        issued = _ISSUER.match(digits) and not _ORDER.search(_before(match))
        told = issued and _BANK_WORD.search(_before(match))
        if told or ((named or issued) and _luhn(digits)):
            yield match.span()


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


_PASSPORT = _pattern(r"""
    (?: 护照 | 通行证 | 台胞证 | 回乡证 | (?i:passport) ) [^0-9\n，。；,;]{0,10}? (?<![A-Za-z0-9])
    (?P<value> [A-Z]{1,2}\d{7,8} | [CHMW]\d{8,10} ) (?![0-9A-Za-z_])
""")
_PLATE = _pattern(r"""
    [京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼] [A-HJ-NP-Y] [·•.\ -]?
    (?: [DF](?=[A-HJ-NP-Z]?\d{4,5}(?!\d))[A-HJ-NP-Z0-9]\d{4} | (?=[A-Z]{0,2}\d|\d[A-Z0-9])[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳] )
    (?![0-9A-Za-z_])
""")


def _passports(text: str) -> _Spans:
    """Numbers of passports and permits; their shape alone is no proof, so a word must say what they are."""
    for match in _PASSPORT.finditer(text):
        yield match.span("value")


def _plates(text: str) -> _Spans:
    """Number plates of mainland China (GA 36-2018), those of electric cars too."""
    for match in _PLATE.finditer(text):
        if sum(map(str.isdigit, match[0])) >= 3:
            yield match.span()


_TLD = "com|net|org|edu|gov|mil|int|info|biz|name|pro|top|xyz|vip|site|online|shop|club|tech|app|dev|cloud|email|ltd|ink"
_EMAIL = _pattern(rf"""
    (?<![A-Za-z0-9._%+-]) (?!git@) [A-Za-z0-9_][A-Za-z0-9._%+-]{{0,63}} [@＠]
    (?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.){{1,5}} (?i:{_TLD}|(?!js|ts|cs|gz)[a-z]{{2}})
    (?![A-Za-z0-9(_] | [-.][A-Za-z0-9])
""")


def _emails(text: str) -> _Spans:
    for match in _EMAIL.finditer(text):
        yield match.span()


_IPV4 = _pattern(r"""
    (?:(?<=IP)|(?<=ip)|(?<![0-9A-Za-z_×*]))(?<![0-9.]\.)(?<![A-Za-z][/.])(?<![A-Za-z0-9]-)
    (?:\d{1,3}\.){3}\d{1,3} (?![0-9A-Za-z_×*] | [.-][0-9] | [ ]?版)
""")
_IPV6 = _pattern(r"""
    (?<![0-9A-Za-z:.]) [0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7} (?:(?:\.\d{1,3}){3})? (?![0-9A-Za-z:] | \.\d)
""")
_VERSION = regex(
    r"(?:版本?号?|固件|升级[到至]|更新[到至]|(?i:version|ver|build|release))[^0-9，。,;；\n]{0,6}$"
)
_LINE_START = regex(r"(?:^|\n)[#\s]*$")


def _addresses(text: str) -> _Spans:
    for match in _IPV4.finditer(text):
        if _is_ipv4(match) and not _VERSION.search(_before(match)):
            yield match.span()
    for match in _IPV6.finditer(text):
        if _is_ipv6(match[0]):
            yield match.span()


def _is_ipv4(match: re.Match[str]) -> bool:
    """A host's address: no loopback, mask or private gateway (192.168.1.1), and no section number at a line's start."""
    try:
        address = IPv4Address(match[0])
    except AddressValueError:
        return False
    gateway = address.is_private and address.packed[3] <= 1
    if address.is_loopback or address.is_unspecified or gateway or address.packed[0] == 255:
        return False
    return max(address.packed) > 20 or not _LINE_START.search(
        match.string, max(0, match.start() - 8), match.start()
    )


def _is_ipv6(text: str) -> bool:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    groups = [group for group in text.split(":") if group]
    long = len(groups) > 2 or (len(groups) > 1 and len(groups[0]) == 4)
    return (
        long and any(char.isdigit() for char in text) and not (address.is_loopback or address.is_unspecified)
    )


_QQ = _pattern(rf"""
    (?<![A-Za-z0-9]) (?: (?i:qq)(?:号码|群号|[号群])? | 扣扣号? | 企鹅号 | 加[qQ扣] ) [ ]? (?:[是为:：=][ ]?)?
    (?P<value>[1-9]\d{{4,10}}) (?![0-9A-Za-z_@] | [.]\d) {_UNIT_AFTER}
""")
_WECHAT = _pattern(r"""
    (?: (?:微信|薇信|威信|[vV]信|(?<![A-Za-z])(?i:wechat|weixin)(?=[^\n]{0,12}[0-9_]))
        (?: (?:账?号|(?i:id))[ ]?(?:[是为:：=][ ]?)? | [ ]?[:：=][ ]? )
      | (?<![A-Za-z0-9])(?i:[vw]x)[号]?[:：\ ][ ]?(?=[a-z]*[0-9_])
      | 加我?(?:微信|[vV][xX]?|[wW][xX])[ ]?(?=[A-Za-z]*[0-9_]) )
    (?P<value>[A-Za-z][A-Za-z0-9_-]{5,19}|[1-9]\d{5,10}) (?![A-Za-z0-9_@-])
""")
_NO_ACCOUNT = regex("(?i:wechat|weixin|android|iphone|openid|unionid|official|javascript|tencent)")


def _qq_numbers(text: str) -> _Spans:
    for match in _QQ.finditer(text):
        yield match.span("value")


def _wechat_ids(text: str) -> _Spans:
    for match in _WECHAT.finditer(text):
        if not _NO_ACCOUNT.fullmatch(match["value"]):
            yield match.span("value")


_TOKEN = _pattern(r"""
    (?<![A-Za-z0-9_]) (?: sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,} | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{22,}
      | glpat-[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{30,} | xox[abprs]-[A-Za-z0-9-]{10,} | (?:AKIA|ASIA)[0-9A-Z]{16}
      | LTAI[A-Za-z0-9]{12,24} | AIza[A-Za-z0-9_-]{35} | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,} )
  | -----BEGIN\ [A-Z ]*PRIVATE\ KEY----- (?: [\s\S]{0,8000}?-----END\ [A-Z ]*PRIVATE\ KEY----- | [A-Za-z0-9+/=\s]* )
""")
_ASSIGNED = _pattern(r"""
    (?: (?i:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|token) | 密码 | 口令 | 密钥 ) ["']?
    [ ]?(?:[:=：＝]|是|为)[ ]?
    (?: "(?P<value3>[^\s"\x80-\U0010ffff]{6,200})" | '(?P<value4>[^\s'\x80-\U0010ffff]{6,200})'
      | ["']? (?P<value>[^\s"'`,;(){}\[\]<>&\x80-\U0010ffff]{6,})(?![(\[]) )
  | ://[^\s/:@\x80-\U0010ffff]+:(?P<value2>[^\s/@*\x80-\U0010ffff]{3,})@(?=[A-Za-z0-9])
""")
_PLACEHOLDER = regex(
    r"(?i:your|xxx|pass|pwd|token|secret|key|example|https?:)|[$%#]|.*\*\*|[A-Za-z_]\w*\.[A-Za-z_]", re.ASCII
)


def _secrets(text: str) -> _Spans:
    for match in _TOKEN.finditer(text):
        yield match.span()
    for match in _ASSIGNED.finditer(text):
        if match["value2"]:
            yield match.span("value2")
            continue
        name = next(name for name in ("value", "value3", "value4") if match[name])
        if _is_secret(match[name]):
            yield match.span(name)


def _is_secret(value: str) -> bool:
    """A value someone chose: it holds a digit, and it is no placeholder and no piece of a program."""
    return any(char.isdigit() for char in value) and not _PLACEHOLDER.match(value)


_SECRET_HINT = Hint(
    r"sk-|gh[pousr]_|github_pat_|glpat-|hf_|xox[abprs]-|AKIA|ASIA|LTAI|AIza|eyJ|PRIVATE KEY|密码|口令|密钥"
    r"|(?i-u:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|token)|://[^/:@]+:[^/@]+@"
)
_PHONE_HINT = Hint(
    r"1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}|0[0-9]{2,3}[-－–—)）][ -]?[2-9][0-9]{2,3}[ -]?[0-9]{4}"
    r"|\+[1-9]|[2-9][0-9]{2}(?:-|\) ?)[2-9][0-9]{2}-[0-9]{4}"
)
_WECHAT_HINT = Hint(
    r"(?:[微薇威vV]信|(?i-u:wechat|weixin))(?:账?号|(?i-u:id)|[ ]?[:：=])|(?i-u:[vw]x)号?[:： ]|加我?(?:微信|[vVwW])"
)
_FINDERS: tuple[tuple[Kind, Callable[[str], _Spans], Hint], ...] = (
    ("secret", _secrets, _SECRET_HINT),
    ("email", _emails, Hint("[@＠]")),
    ("id", _ids, Hint("[1-9][0-9]{5}[ -]?(?:19|20)[0-9]{6}[ -]?[0-9]{3}[0-9Xx]|身份证")),
    ("bank_card", _cards, Hint("[0-9]{4}(?:[ -]?[0-9]{4}){3}")),
    ("passport", _passports, Hint("护照|通行证|台胞证|回乡证|(?i-u:passport)")),
    ("plate", _plates, Hint("[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Y]")),
    ("phone", _phones, _PHONE_HINT),
    ("ip", _addresses, Hint(r"(?:[0-9]{1,3}\.){3}[0-9]|:[0-9A-Fa-f]{0,4}:")),
    (
        "qq",
        _qq_numbers,
        Hint("(?:(?i-u:qq)(?:号码|[群号]号?)?|扣扣?号?|企鹅号|加[qQ扣]) ?(?:[是为:：=] ?)?[1-9][0-9]{4}"),
    ),
    ("wechat", _wechat_ids, _WECHAT_HINT),
)
"""In the order of certainty: what an earlier one has found, a later one leaves alone. None finds anything without its hint."""
