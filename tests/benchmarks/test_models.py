"""The benchmark of models on a few requests: what it counts and which columns stand there, never how long it took."""

from __future__ import annotations

import pytest
from benchmarks.models.run import PAGE, SIDES, compare, page, refused

pytest.importorskip("openai")


def test_both_sides_ask_as_much_and_the_page_says_so():
    row = compare(0.01, 8, 1)
    assert set(row["rate"]) == set(row["cpu_ms"]) == set(SIDES)
    limited = refused(30)
    assert limited["requests"] == 30
    text = page([row], limited, 1)
    assert "| 10 ms | 8 |" in text
    written = PAGE.read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line.startswith(("#", "| latency", "| what"))]
    assert [line for line in heads if line not in written.splitlines()] == []
