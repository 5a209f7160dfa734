"""Makes `raw.jsonl` and `planted.jsonl` of the shipped example from `clean.jsonl`; the same bytes each time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.end_to_end.planting import plant  # noqa: E402

EXAMPLE = ROOT / "examples" / "brain-teasers"
SEED = 20240601


def make() -> dict[str, bytes]:
    """The two files by name."""
    rows = [json.loads(line) for line in (EXAMPLE / "clean.jsonl").read_bytes().splitlines()]
    raw, planted = plant(rows, seed=SEED, per_kind=2)
    expected = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in planted)
    return {"raw.jsonl": raw, "planted.jsonl": expected.encode()}


if __name__ == "__main__":
    for name, content in make().items():
        (EXAMPLE / name).write_bytes(content)
