"""Bands of signatures against the plain definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tilth.operators.minhash import BANDS, band_entries, composed, shared_bands


@pytest.mark.parametrize("rows", [(4,), (4, 0), (3, 1), (1, 3)])
def test_bands_are_put_together_from_the_parts_and_counted(rows):
    signature = np.random.default_rng(3).integers(0, 3, (60, 64), dtype=np.uint8)
    values = composed(np.ascontiguousarray(signature.T), rows)
    assert values.shape == (60, BANDS)
    size = 64 // len(rows)
    for band in range(BANDS):
        # Equal bytes make an equal value and other bytes another one, whichever four of the right parts they are.
        assert {value >> 24 for value in values[:, band].tolist()} <= {0, 1, 2}
    used = [set() for _ in rows]
    for band in range(BANDS):
        for shift in range(sum(rows)):
            byte = (values[:, band] >> np.uint32(8 * (sum(rows) - 1 - shift))) & np.uint32(255)
            part = 0 if shift < rows[0] else 1
            columns = signature[:, part * size : (part + 1) * size]
            used[part] |= {column for column in range(size) if np.array_equal(columns[:, column], byte)}
    assert all(len(used[part]) == min(size, BANDS * count) for part, count in enumerate(rows)), (
        "each row serves"
    )

    same = sum(int((values[x] == values[y]).sum()) for x, y in combinations(range(len(values)), 2))
    assert shared_bands(values) == same
    groups = band_entries(values).groups()
    counts = np.diff(groups.starts)
    assert int((counts * (counts - 1)).sum()) // 2 == same > 100
