"""Every benchmark can be imported with what the package offers today, and dates its page itself."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in FOLDER.rglob("*.py")
    if path.name != "__main__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_it_can_be_imported(name):
    import_module(name)


def test_no_date_is_written_into_the_code():
    assert len(MODULES) > 40
    dated = [path.name for path in FOLDER.rglob("*.py") if '= "20' in path.read_text(encoding="utf-8")]
    assert dated == []
