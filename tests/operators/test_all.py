"""What holds for every operator: settings that check, help, and an input that stays as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import tilth.operators
from tilth.operators.base import OPERATORS
from tilth.sample import Message, Sample

TEXTS = (
    "<p>联系 我们：13800138000，加QQ：6497412，2024/05/01 花了￥30 “好”.</p>",
    "```python\nif a<b and c>d: pass\n```\n价格 3:2，０.１.１７ 版，teh 既使",
)
SAMPLE = Sample(
    "0123456789abcdef",
    "a.jsonl:1",
    (Message("system", "你是助手"), Message("user", TEXTS[0]), Message("assistant", TEXTS[1] * 2)),
    meta={"domain": ["通用"], "human_verified": True},
    signals={"relevance": 0.5, "n": 1},
    rejected=(Message("assistant", TEXTS[0]),),
)
SETTINGS = {
    "filter.by_signal": {"signal": "n", "min": 0},
    "filter.relevance": {"min": 0.1},
    "measure.toxicity_terms": {"terms": "terms.txt"},
    "normalize.glossary": {"file": "glossary.yaml"},
}
"""What operators with required settings are given here."""


@pytest.fixture
def files(tmp_path, monkeypatch):
    (tmp_path / "terms.txt").write_text("坏话\n", encoding="utf-8")
    (tmp_path / "glossary.yaml").write_text("你号: 你好\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_the_package_imports_every_family():
    folder = Path(tilth.operators.__file__).parent
    families = {name.split(".")[0] for name in OPERATORS.names()}
    assert {path.stem for path in folder.glob("*.py")} >= families
    assert len(OPERATORS) >= 45


def test_every_name_is_its_address():
    for name, op in OPERATORS:
        family, _, noun = name.partition(".")
        assert noun.isidentifier(), name
        assert op.family == family
        assert op.help.endswith("."), name


SAMPLE_OPERATORS = [name for name, op in OPERATORS if op.kind == "sample"]


@pytest.mark.parametrize("name", SAMPLE_OPERATORS)
def test_the_input_stays_as_it_was(files, name):
    pytest.importorskip("opencc") if name == "normalize.simplified" else None
    op = OPERATORS.get(name)
    settings = op.settings.model_validate(SETTINGS.get(name, {})).model_dump()
    before = msgspec.json.encode(SAMPLE)
    first, second = op.bind(settings)(SAMPLE), op.bind(settings)(SAMPLE)
    assert msgspec.json.encode(SAMPLE) == before
    assert first == second
    if isinstance(first, Sample):
        assert (first.id, first.place, first.meta) == (SAMPLE.id, SAMPLE.place, SAMPLE.meta)
        assert first.messages[0] == SAMPLE.messages[0] or name == "privacy.redact_pii"


def test_every_sample_operator_was_tried():
    assert len(SAMPLE_OPERATORS) >= 30


def test_a_family_is_imported_when_it_is_asked_for():
    code = (
        "import sys; from tilth.operators.base import OPERATORS; OPERATORS.get('clean.strip_html');"
        "print([m for m in ('augment', 'annotate', 'measure_tokens', 'clean_html') if f'tilth.operators.{m}' in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "['clean_html']"


def test_every_module_that_declares_operators_belongs_to_its_family():
    for name, op in OPERATORS:
        module = op.target.__module__.rpartition(".")[2]
        assert op.target.__module__.startswith("tilth.operators."), name
        assert module in tilth.operators.FAMILIES[op.family], name
