"""The speed benchmark on a few rows: what is counted and which columns stand there, never how long it took."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys

import pytest
from benchmarks.speed.data import BROKEN, EXACT, lines, records, write_rows
from benchmarks.speed.floor import convert
from benchmarks.speed.measure import Usage, measured
from benchmarks.speed.page import AGAIN, BESIDE, COLUMNS, Result, page, section_of, tables, with_section
from benchmarks.speed.peers import Compared, section, write_readable
from benchmarks.speed.run import PAGE, compare, main
from benchmarks.speed.steps import compare as compare_steps
from benchmarks.speed.steps import page as page_of_steps
from benchmarks.speed.words import HANZI

from tilth.operators.base import OPERATORS

ROWS = 300


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return compare(tmp_path_factory.mktemp("speed"), ROWS, 1)


def test_every_row_is_counted(result):
    assert sorted(result.runs) == [1, 2]
    for (run,) in result.runs.values():
        counts = run["counts"]
        assert counts["taken"] + counts["blank"] == ROWS
        assert counts["taken"] == counts["kept"] + counts["dropped"] + counts["quarantined"]
        assert counts["quarantined"] >= 1
    assert result.runs[1][0]["counts"] == result.runs[2][0]["counts"]


def test_each_step_finds_something_to_do(result):
    steps = {step["name"]: step for step in result.runs[1][0]["steps"]}
    assert [
        name for name, step in steps.items() if name.startswith(("clean", "norm")) and not step["changed"]
    ] == []
    assert [
        name for name, step in steps.items() if name.startswith(("filter", "dedup")) and not step["dropped"]
    ] == []
    assert set(result.runs[1][0]["splits"]) == {"train", "test"}


def test_the_table_has_the_floor_and_both_runs(result):
    head, _, *rows = tables(result).split("\n\n")[0].splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == list(COLUMNS)
    names = ["floor", "tilth, 1 process", "tilth, 2 processes", AGAIN]
    assert [row.split("|")[1].strip() for row in rows] == names
    assert {row.count("|") for row in rows} == {len(COLUMNS) + 1}
    assert rows[0].count("1.0×") == 3


def test_every_process_cost_something(result):
    assert all(value > 0 for usages in result.usages.values() for usage in usages for value in usage)


def test_the_page_in_the_docs_is_of_this_shape(result):
    written, now = PAGE.read_text(encoding="utf-8"), page(result)
    now = with_section(now, section_of(written))
    for text in (written, now):
        assert re.search(r"on 20\d\d-\d\d-\d\d: Tilth", text)
    headings = [line for line in now.splitlines() if line.startswith(("#", "| target", "| step"))]
    assert [line for line in written.splitlines() if line.startswith(("#", "| target", "| step"))] == headings


def test_the_cost_of_a_command_includes_its_child_processes():
    child = "held = b'x' * 80_000_000"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert measured([sys.executable, "-c", parent]).peak > 80


def test_a_command_that_fails_is_no_measurement():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        measured([sys.executable, "-c", "raise SystemExit('out of order')"])
    assert "out of order" in caught.value.stderr


@pytest.mark.parametrize("wrong", [["--rows", "99"], ["--rounds", "0"]])
def test_too_little_to_measure_is_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        main(wrong)
    assert "at least 100 rows and 1 round" in capsys.readouterr().err


def test_the_middle_of_several_rounds_is_their_median():
    made = Result(1, 1, 3)
    for wall in (5.0, 1.0, 2.0):
        made.add("floor", (wall, 2 * wall, 9.0))
    assert made.middle("floor") == (2.0, 4.0, 9.0)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_rows(tmp_path / name, 50, seed)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_broken_lines_have_their_share_and_the_floor_sets_them_aside(tmp_path):
    source = tmp_path / "rows.jsonl"
    write_rows(source, 5_000, 3)
    written, blank, aside = convert(source, tmp_path / "out.jsonl")
    assert written + blank + aside == 5_000
    assert blank == 1
    assert 1 < aside <= 1 + 3 * 5_000 * BROKEN
    line = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert [message["role"] for message in json.loads(line)["messages"]] == ["user", "assistant"]


def test_duplicates_have_their_share():
    made = records(random.Random(4))
    seen = [json.dumps(next(made), ensure_ascii=False) for _ in range(3_000)]
    assert len(set(seen)) / len(seen) == pytest.approx(1 - EXACT, abs=0.04)


def test_lines_are_made_one_by_one():
    assert len([line for line, _ in zip(lines(10**12, 5), range(3), strict=False)]) == 3


def test_the_hanzi_are_those_of_level_one():
    assert (len(HANZI), len(set(HANZI)), HANZI[0], HANZI[-1]) == (3755, 3755, "啊", "座")


def test_the_section_beside_data_juicer_is_replaced_and_kept():
    old, new = f"{BESIDE}\n\nold", f"{BESIDE}\n\nnew"
    page_with = with_section("# Page\n\ntext\n", old)
    assert section_of(page_with) == old
    assert with_section(page_with, new) == f"# Page\n\ntext\n\n{new}\n"
    assert with_section("# Page\n", "") == "# Page\n"


def test_the_section_says_how_many_times_the_other_tool_costs():
    ours, theirs = [Usage(1.0, 2.0, 50.0)], [Usage(20.0, 30.0, 500.0)]
    found = section([Compared(240, 236, ours, theirs, (160, 170))], 1, {"Data-Juicer": "1.6.1"})
    assert "| 236 | 2.00 | 30.00 | **15.0×** | 20.0× | 10.0× | 160 | 170 |" in found
    assert "Data-Juicer 1.6.1" in found
    assert "20× or more: **missed** at 236 rows" in found


def test_the_rows_for_both_tools_are_those_that_can_be_read(tmp_path):
    readable = write_readable(tmp_path / "rows.jsonl", 2_000)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_bytes().splitlines()]
    assert len(rows) == readable < 1_999
    assert all(isinstance(row["output"], str) for row in rows)


def test_the_cost_of_each_step_is_measured_beside_the_floor(tmp_path):
    floor, costs = compare_steps(tmp_path, 600, 1)
    assert {cost.name for cost in costs} == {
        name for name in OPERATORS.names() if OPERATORS.get(name).kind == "sample"
    }
    assert len(costs) > 30
    by_name = {cost.name: cost for cost in costs}
    assert by_name["clean.strip_html"].changed > 30
    assert by_name["filter.repetition"].dropped > 3
    assert floor > 0
    assert all(cost.seconds > 0 for cost in costs)
    assert "`privacy.redact_pii` |" in page_of_steps(floor, costs, 600, 1)
