"""Prints how many trap cases each set of operators gets right: `python -m benchmarks.traps.run tilth identity`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.traps import page, suite


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where ours fails a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["tilth"], help="tilth, identity, data-juicer, jionlp")
    parser.add_argument("--python", help="an interpreter that can import the other tools")
    parser.add_argument("--json", action="store_true", help="print facts instead of a table")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page with the table")
    given = parser.parse_args(arguments)
    if unknown := set(given.sets) - {"tilth", "identity", *suite.PEERS}:
        parser.error(f"unknown set: {', '.join(sorted(unknown))}")
    cases = suite.load()
    results = {name: suite.ask(name, cases, given.python) for name in given.sets}
    print(page.facts(cases, results) if given.json else page.table(cases, results))
    if given.write:
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(page.page(cases, results), encoding="utf-8")
    ours = results.get("tilth")
    failed = list(suite.failures(cases, ours)) if ours else []
    for failure in failed:
        print(json.dumps(page.failure(*failure), ensure_ascii=False, indent=1), file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
