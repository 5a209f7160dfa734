"""Packing: every sample in exactly one row, whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.training.packing import pack


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(60, 100))
def test_nothing_is_lost_and_nothing_overflows(lengths, room):
    rows = pack(lengths, room)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in row) <= room for row in rows)
    assert sum(2 * sum(lengths[i] for i in row) <= room for row in rows) <= 1


def test_a_sample_longer_than_a_row_stands_alone():
    assert pack([5, 12, 5], 10) == [[1], [0, 2]]


@pytest.mark.train
def test_as_many_rows_as_trl_makes():
    import random

    from datasets import Dataset
    from trl import pack_dataset

    drawn = random.Random(7)
    lengths = [min(512, 1 + int(drawn.expovariate(1 / 90))) for _ in range(700)]
    theirs = pack_dataset(Dataset.from_dict({"input_ids": [[7] * n for n in lengths]}), 512, "bfd")
    ours = pack(lengths, 512)
    assert len(ours) == len(theirs)
    assert sorted(sorted(lengths[i] for i in row) for row in ours) == sorted(
        sorted(row) for row in theirs["seq_lengths"]
    )
