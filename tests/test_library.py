"""`import tilth` in a notebook."""

from __future__ import annotations

import json

import pytest

import tilth
from tilth.errors import FormatError

ROWS = [{"instruction": f"第{i}个问题？", "input": "", "output": "好。"} for i in range(3)]


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "raw.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_every_public_name_is_there():
    assert tilth.__all__ == sorted(tilth.__all__)
    assert set(tilth.__all__) <= set(dir(tilth))
    for name in tilth.__all__:
        assert getattr(tilth, name) is not None
    with pytest.raises(AttributeError):
        tilth.nothing  # noqa: B018  the access is the test


def test_read_and_write(raw, tmp_path):
    samples = list(tilth.read(raw))
    assert [sample.place for sample in samples] == ["raw.jsonl:1", "raw.jsonl:2", "raw.jsonl:3"]
    assert tilth.write(samples, tmp_path / "out.jsonl", "xtuner") == 3
    assert [s.question for s in tilth.read(tmp_path / "out.jsonl")] == [row["instruction"] for row in ROWS]


def test_a_damaged_entry_is_named(raw):
    raw.write_text(raw.read_text(encoding="utf-8") + "{cut", encoding="utf-8")
    with pytest.raises(FormatError, match="raw.jsonl:4"):
        list(tilth.read(raw))


def test_a_sample_that_does_not_fit_leaves_no_half_file(raw, tmp_path):
    samples = list(tilth.read(raw))
    odd = samples[0].replace(messages=samples[0].messages * 2)
    with pytest.raises(FormatError, match="raw.jsonl:1"):
        tilth.write([*samples, odd], tmp_path / "out.jsonl", "coig_cqia")
    assert [path.name for path in tmp_path.iterdir()] == ["raw.jsonl"]
