"""The sets that are run, each with the source as a recipe names it and the steps that suit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FORM: list[Any] = [
    "clean.fix_mojibake",
    "clean.strip_invisible",
    "clean.strip_html",
    "clean.squeeze_whitespace",
    "clean.strip_markers",
    "clean.strip_boilerplate",
    {"clean.join_split_words": {"mode": "apply"}},
    "normalize.width",
    "normalize.punctuation",
    "normalize.quotes",
]
_WORDING = ["normalize.dates", "normalize.numbers", "normalize.currency"]
_NOISE = ["denoise.spelling", "denoise.repeated_text", "denoise.wrong_characters"]
_MEASURE = ["measure.length", "measure.language", "measure.repetition", "measure.question_type"]
_LAST: list[Any] = [{"split.grouped": {"train": 0.8, "validation": 0.1, "test": 0.1, "seed": 42}}]
_ANSWERED: list[Any] = [
    *_FORM,
    *_WORDING,
    "privacy.redact_pii",
    *_NOISE,
    *_MEASURE,
    {"filter.empty": {"answers": "optional"}},
    "filter.repetition",
    "filter.refusal",
    "dedup.exact",
    "dedup.near",
    *_LAST,
]
_POSTS: list[Any] = [
    *_FORM,
    "measure.list_number",
    "clean.strip_list_number",
    *_WORDING,
    "privacy.redact_pii",
    *_NOISE,
    *_MEASURE,
    {"filter.empty": {"answers": "optional"}},
    "dedup.exact",
    {"dedup.near": {"on": "question"}},
    *_LAST,
]
_CONVERSATIONS: list[Any] = [
    "clean.strip_invisible",
    "clean.squeeze_whitespace",
    "normalize.width",
    "privacy.redact_pii",
    *_MEASURE,
    {"filter.empty": {"answers": "optional"}},
    "dedup.exact",
    *_LAST,
]


@dataclass(frozen=True)
class RealSet:
    """One set: where it lies below the data folder, and its recipe."""

    path: str
    steps: list[Any]
    source: Mapping[str, Any]
    """What `data.from` says besides the path."""

    @property
    def name(self) -> str:
        """The folder and the file's stem."""
        folder, _, file = self.path.partition("/")
        return f"{folder}-{file.rsplit('.', 1)[0]}".replace(".", "_")


def _set(path: str, steps: list[Any], **source: Any) -> RealSet:
    return RealSet(path, steps, source)


SETS = (
    _set("tutorial_camp2/ruozhiba_raw.jsonl", _ANSWERED),
    _set("ruozhiba_better/ruozhiba_qa.json", _ANSWERED),
    _set("cqia/chinese_traditional_chengyu.jsonl", _ANSWERED),
    _set("cqia/segmentfault_segmentfault_upvote5_clean.jsonl", _ANSWERED),
    _set("cqia/xhs_xhs.jsonl", _ANSWERED),
    _set("cqia/zhihu_zhihu_score8.0-8.5_clean_v3.jsonl", _ANSWERED),
    _set("ruozhiba_tieba/ruozhiba-title-good.json", _POSTS, format="questions"),
    _set(
        "ruozhiba_tieba/ruozhiba-post-annual.json",
        _POSTS,
        format="questions",
        columns={"question": "content"},
    ),
    _set("sft_belle/zh_seed_tasks.json", _ANSWERED),
    _set("sft_llamafactory/alpaca_zh_demo.json", _ANSWERED),
    _set("sft_llamafactory/dpo_zh_demo.json", _CONVERSATIONS),
    _set("sft_llamafactory/glaive_toolcall_zh_demo.json", _CONVERSATIONS),
    _set("sft_llamafactory/v1_sft_demo.jsonl", _CONVERSATIONS),
    _set("sft_llamafactory/c4_demo.jsonl", _CONVERSATIONS),
    _set("sft_firefly/dummy_data.jsonl", _CONVERSATIONS),
    _set("sft_firefly/dummy_pretrain.jsonl", _CONVERSATIONS),
    _set("sft_firefly/dummy_dpo.jsonl", _CONVERSATIONS),
    _set("sft_xtuner_tests/openai_sft.jsonl", _CONVERSATIONS),
    _set("sft_xtuner_tests/gsm8k_train_example_data.jsonl", _CONVERSATIONS),
)
