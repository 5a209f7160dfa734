"""Asks another tool what it makes of the trap cases. Runs in that tool's environment and imports nothing of ours.

Reads the cases as JSON from stdin, writes `{version, used, answers}` to stdout. Each tool gets its operator with the
same purpose as ours, in its default settings, except where a case or a tag asks for something.
"""

import contextlib
import json
import sys
from importlib.metadata import version

TAGS = {
    "zh": {
        "phone": "[电话]",
        "email": "[邮箱]",
        "id": "[身份证]",
        "ip": "[IP]",
        "qq": "[QQ]",
        "secret": "[密钥]",
    },
    "en": {
        "phone": "[PHONE]",
        "email": "[EMAIL]",
        "id": "[ID]",
        "ip": "[IP]",
        "qq": "[QQ]",
        "secret": "[SECRET]",
    },
}


def tags(settings):
    """Our tags in the language that a case asks for; `None` for masks, which no other tool offers."""
    return None if settings.get("style") == "mask" else TAGS[settings.get("language", "zh")]


def one_by_one(operator):
    """A batched operator of Data-Juicer as a function of one text."""
    return lambda text: operator.process_batched({"text": [text]})["text"][0]


def data_juicer(name, settings):
    """The operator of Data-Juicer for ours, as (its name, a function); `None` where it has none."""
    from data_juicer.ops import mapper

    plain = {
        "clean.strip_html": "CleanHtmlMapper",
        "clean.fix_mojibake": "FixUnicodeMapper",
        "clean.squeeze_whitespace": "WhitespaceNormalizationMapper",
        "normalize.punctuation": "PunctuationNormalizationMapper",
    }
    if name in plain:
        return plain[name], one_by_one(getattr(mapper, plain[name])())
    if name == "normalize.simplified":
        mode = settings.get("config", "t2s")
        return "ChineseConvertMapper with our mode", one_by_one(mapper.ChineseConvertMapper(mode=mode))
    if name == "denoise.repeated_text":
        least = settings.get("min_chars", 8)
        operator = mapper.RemoveRepeatSentencesMapper(min_repeat_sentence_length=least)
        return "RemoveRepeatSentencesMapper with our length", one_by_one(operator)
    if name == "privacy.redact_pii" and (tag := tags(settings)):
        return "PiiRedactionMapper with our tags", pii_of_data_juicer(mapper, tag)
    return None


def pii_of_data_juicer(mapper, tag):
    """Data-Juicer's PII operator, writing our tags."""
    operator = mapper.PiiRedactionMapper(
        email_replacement=tag["email"],
        secret_replacement=tag["secret"],
        phone_replacement=tag["phone"],
        id_card_replacement=tag["id"],
        ip_replacement=tag["ip"],
    )
    return lambda text: operator.process_single({"text": text})["text"]


def jionlp(name, settings):
    """The function of JioNLP for our operator, as (its name, a function); `None` where it has none."""
    import jionlp as jio
    from jionlp.rule.extractor import Extractor

    if name == "clean.strip_html":
        return "remove_html_tag", jio.remove_html_tag
    if name == "normalize.width":
        return "Extractor.convert_full2half", Extractor().convert_full2half
    if name == "normalize.simplified":
        mode = "word" if settings.get("config", "t2s").endswith("p") else "char"
        return "tra2sim", lambda text: jio.tra2sim(text, mode=mode)
    if name == "privacy.redact_pii" and (tag := tags(settings)):
        return "replace_id_card, _phone_number, _email, _ip_address, _qq with our tags", pii_of_jionlp(
            jio, tag
        )
    return None


def pii_of_jionlp(jio, tag):
    """JioNLP's replacements one after another, the longest numbers first."""

    def replace(text):
        text = jio.replace_id_card(text, token=tag["id"])
        text = jio.replace_phone_number(text, token=tag["phone"])
        text = jio.replace_email(text, token=tag["email"])
        text = jio.replace_ip_address(text, token=tag["ip"])
        return jio.replace_qq(text, token=tag["qq"])

    return replace


TOOLS = {"data-juicer": ("py-data-juicer", data_juicer), "jionlp": ("jionlp", jionlp)}


def main():
    package, find = TOOLS[sys.argv[1]]
    cases, used, made, answers = json.load(sys.stdin), {}, {}, []
    with contextlib.redirect_stdout(sys.stderr):
        for case in cases:
            key = json.dumps([case["operator"], case["settings"]], sort_keys=True)
            if key not in made:
                made[key] = find(case["operator"], case["settings"])
            if made[key]:
                used.setdefault(case["operator"], made[key][0])
            answers.append(made[key][1](case["input"]) if made[key] else None)
    json.dump({"version": version(package), "used": used, "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
