"""The tutorial's own data: byte for byte where it must be, better where it can be."""

from __future__ import annotations

import json
import re

import pytest

from tests.engine.conftest import rows_of
from tilth.engine import convert, run

pytestmark = pytest.mark.real_data
HANZI = "\u4e00-\u9fff"


@pytest.fixture
def camp(real_data):
    return real_data / "tutorial_camp2"


def test_the_tutorial_byte_for_byte(camp, tmp_path):
    run("tutorial", tmp_path / "run", assignments=[f"data.from={camp / 'ruozhiba_raw.jsonl'}"])
    for side in ("train", "test"):
        assert (tmp_path / "run" / "data" / f"{side}.jsonl").read_bytes() == (
            camp / f"{side}.jsonl"
        ).read_bytes()


def test_the_tutorials_conversion_byte_for_byte(camp, tmp_path):
    convert(camp / "ruozhiba_raw.jsonl", "coig_cqia", "xtuner", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (camp / "ruozhiba_format.jsonl").read_bytes()


def test_the_tutorials_showcase_question_leaks_and_the_other_does_not(camp, tmp_path):
    run("tutorial", tmp_path / "run", assignments=[f"data.from={camp / 'ruozhiba_raw.jsonl'}"])
    (leak,) = json.loads((tmp_path / "run" / "report" / "data.json").read_text(encoding="utf-8"))["leaks"]
    assert leak["question"] == "我用水兑水，得到的是稀水还是浓水"
    assert leak["place"] == "ruozhiba_raw.jsonl:156"
    assert leak["split"] == "train"


def test_the_same_data_done_well(camp, tmp_path):
    source = camp / "ruozhiba_raw.jsonl"
    result = run("ruozhiba", tmp_path / "run", assignments=[f"data.from={source}"])
    counts = result["counts"]
    assert (counts["taken"], counts["kept"]) == (240, 240)
    changed = {step["name"]: step["changed"] for step in result["steps"]}
    raw = rows_of(source)
    stray = [row for row in raw if re.search(f"[{HANZI}] [{HANZI}]", row["output"])]
    assert changed["clean.join_split_words"] == len(stray) == 29
    for step in (
        "clean.strip_html",
        "clean.fix_mojibake",
        "clean.strip_boilerplate",
        "normalize.width",
        "privacy.redact_pii",
    ):
        assert changed[step] == 0, step
    proposals = rows_of(tmp_path / "run" / "steps" / "proposals.jsonl")
    merged = [p for p in proposals if p["step"] == "denoise.merged_answers"]
    assert [p["place"] for p in merged] == ["ruozhiba_raw.jsonl:214"]
    clipped = [p for p in proposals if p["step"] == "denoise.clipped_start"]
    assert [p["place"] for p in clipped] == ["ruozhiba_raw.jsonl:191"]
    assert clipped[0]["after"].startswith("麦哲伦")
    assert len(proposals) == 2
    facts = json.loads((tmp_path / "run" / "report" / "data.json").read_text(encoding="utf-8"))
    assert facts["leaks"] == []
    assert result["splits"] == {"train": 168, "test": 72}
    written = {row["place"]: row for row in rows_of(tmp_path / "run" / "data" / "index.jsonl")}
    kept = rows_of(tmp_path / "run" / "data" / "train.jsonl")
    for n, row in enumerate(raw, 1):
        line = written[f"ruozhiba_raw.jsonl:{n}"]
        if line["file"] == "train.jsonl":
            answer = kept[line["line"] - 1]["messages"][1]["content"]
            assert re.sub(r"\s", "", answer) == re.sub(r"\s", "", row["output"]), (
                "only white space was touched"
            )
