"""Checkpoints: what goes in comes out, in order and at random."""

from __future__ import annotations

import pytest

from tilth.sample import Message, Sample
from tilth.store import checkpoint
from tilth.store.checkpoint import Rows, Writer, read_all

SAMPLES = [
    Sample(
        f"{i:016x}",
        f"a.jsonl:{i}",
        (Message("user", f"第{i}问\u2028"), Message("assistant", "答" * (i % 50))),
        meta={"n": i},
    )
    for i in range(300)
]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "kept.jsonl"
    with path.open("wb") as handle:
        writer = Writer(handle)
        for sample in SAMPLES:
            writer.add(sample)
    return path, writer


def test_all_samples_in_order(written):
    path, writer = written
    assert len(writer.blocks) == 38
    assert list(read_all(path)) == SAMPLES


def test_random_rows_across_files(written):
    path, writer = written
    rows = Rows([(path, writer.blocks, writer.rows), (path, writer.blocks, writer.rows)])
    assert len(rows) == 600
    for row in (0, 299, 300, 17, 599, 301, 42):
        assert rows[row] == SAMPLES[row % 300]


def test_the_file_is_plain_lines(written):
    path, _ = written
    assert path.read_bytes().count(b"\n") == 300


def test_every_field_survives():
    full = Sample(
        "0" * 16,
        "a:1/step#0",
        (
            Message(
                "assistant",
                "x",
                loss=False,
                thinking="t",
                tool_calls=({"name": "f"},),
                tool_call_id="1",
                name="n",
            ),
        ),
        meta={"big": 10**30, "f": 1.5, "deep": [{"a": None}]},
        signals={"s": 1},
        family="1" * 16,
        split="test",
        rejected=(Message("assistant", "no"),),
        label=False,
        tools=({"type": "function"},),
    )
    assert checkpoint.decode(checkpoint._encode(full)) == full
