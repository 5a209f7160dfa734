import inspect
import sys
from pathlib import Path

import pytest
from benchmarks.traps import page, run, suite
from benchmarks.traps.suite import Answer, Results

from tilth.operators.base import OPERATORS

CASES = suite.load()
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "traps.md"
TEXT_OPERATORS = [
    name
    for name, operator in OPERATORS
    if operator.family in ("clean", "normalize", "privacy", "denoise")
    and operator.kind == "sample"
    and not inspect.iscoroutinefunction(operator.target)
]


def _identity() -> Results:
    found = suite.ask("identity", CASES, None)
    assert found
    return found


def test_the_suite_covers_every_text_operator():
    assert len(CASES) >= 300
    assert {case.operator for case in CASES} == set(TEXT_OPERATORS)


def test_no_case_stands_twice():
    seen = [(case.operator, case.input, str(case.settings)) for case in CASES]
    assert len(seen) == len(set(seen))


def test_settings_of_cases_are_settings_of_the_operator():
    for case in CASES:
        OPERATORS.get(case.operator).settings.model_validate(case.settings)


@pytest.mark.parametrize("name", TEXT_OPERATORS)
def test_each_operator_has_enough_cases_of_both_kinds(name):
    mine = [case for case in CASES if case.operator == name]
    assert sum(case.keeps for case in mine) >= 8
    assert sum(not case.keeps for case in mine) >= 8


@pytest.mark.parametrize("name", TEXT_OPERATORS)
def test_an_operator_that_does_nothing_fails(name):
    row = suite.score(CASES, _identity())[name]
    assert row["change"][0] == 0
    assert row["keep"][0] == row["keep"][1]


def test_an_operator_that_always_changes_fails_every_case():
    eager = Results("eager", "", [Answer(case.input + "了") for case in CASES])
    assert not any(suite.right(CASES, eager))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operator}: {case.why}")
def test_ours_does_what_the_rule_says(case):
    assert suite.ask_tilth(case) == Answer(case.expected, case.proposals)


@pytest.mark.parametrize("name", TEXT_OPERATORS)
def test_a_second_run_changes_nothing_more(name):
    for case in CASES:
        if case.operator == name:
            once = suite.ask_tilth(case).text
            assert suite.ask_tilth(case, once).text == once, case.input


def test_a_tool_that_cannot_propose_carries_out_one_proposal_and_leaves_a_choice_alone():
    one = next(case for case in CASES if len(case.proposals) == 1)
    two = next(case for case in CASES if len(case.proposals) == 2)
    assert suite.is_right_unattended(one, Answer(one.proposals[0]))
    assert not suite.is_right_unattended(one, Answer(one.input))
    assert suite.is_right_unattended(two, Answer(two.input))
    assert not suite.is_right_unattended(two, Answer(two.proposals[0]))


def test_a_tool_without_an_interpreter_is_not_run():
    assert suite.ask("jionlp", CASES, None) is None
    assert "| not run |" in page.table(CASES, {"jionlp": None})


def test_a_tool_that_cannot_be_imported_says_so():
    with pytest.raises(SystemExit, match="jionlp did not run"):
        suite.ask("jionlp", CASES, sys.executable)


def test_the_exit_code_says_whether_ours_failed(monkeypatch, capsys):
    monkeypatch.setattr(suite, "ask_tilth", suite.ask_identity)
    assert run.main(["tilth"]) == 1
    assert "0/" in capsys.readouterr().out


def test_the_page_shows_our_present_result():
    ours = suite.ask("tilth", CASES, None)
    assert ours
    written = PAGE.read_text(encoding="utf-8").splitlines()
    for row in page.table(CASES, {"tilth": ours}).splitlines()[2:]:
        assert any(line.startswith(row) for line in written), row
