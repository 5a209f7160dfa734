"""Packing: samples laid into rows of one length, whole, so that no token is lost and little is padded."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Which samples share a row: best-fit decreasing (Johnson et al. 1974, doi:10.1137/0203025).

    The longest sample is laid first, each into the fullest row that still has room for it. A sample longer than `room`
    has a row to itself.

    Args:
        lengths: tokens of each sample.
        room: tokens of a row.

    Returns:
        The rows, as positions in `lengths`; every position stands in exactly one.
    """
    rows: list[list[int]] = []
    open_rows: dict[int, deque[int]] = {}
    rooms: list[int] = []
    for sample in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        length = lengths[sample]
        at = bisect_left(rooms, length)
        if at == len(rooms):
            rows.append([sample])
            row, left = len(rows) - 1, room - length
        else:
            left = rooms[at]
            row = open_rows[left].popleft()
            if not open_rows[left]:
                del open_rows[left], rooms[at]
            rows[row].append(sample)
            left -= length
        if left > 0:
            if left not in open_rows:
                insort(rooms, left)
            open_rows.setdefault(left, deque()).append(row)
    return rows
