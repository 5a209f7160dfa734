"""axe-core over every page, in both themes and widths: labels, roles, contrast AA, headings, focus."""

from __future__ import annotations

import os

import pytest
from scripts.axe import find

from tests.browser.conftest import NARROW, WIDE
from tests.browser.runs import small_run
from tilth.evaluation.studies import compare_answers
from tilth.store.files import write_jsonl

PAGES = (
    "/", "/samples", "/samples?q=没有这样的词", "/samples?door=kept&answer_chars=1..9", "/sample?place=raw.jsonl:2", "/tokens",
    "/review", "/review/team", "/training", "/compare", "/compare/result", "/chat",
)  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def axe():
    script = find()
    if script is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("axe-core cannot be had: npm is missing or reaches nothing")
    return script


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("access")
    run = small_run(place)
    rows = [{"question": f"第{n}个问题？", "before": f"旧{n}", "after": f"新{n}"} for n in range(4)]
    write_jsonl(place / "answers.jsonl", rows)
    compare_answers(place / "answers.jsonl", run.path)
    write_jsonl(
        run.model / "log.jsonl", [{"step": n, "loss": 3 / n, "eval_loss": 4 / n} for n in range(1, 9)]
    )
    return run.path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_passes(studio, opened, folder, axe, theme, viewport):
    page = opened(studio(folder), viewport=viewport, color_scheme=theme)
    found = []
    for path in PAGES:
        page.goto(path)
        # Evaluated by the debugger, not loaded by the page: the page's own policy would refuse it.
        page.evaluate(axe)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        for violation in result["violations"]:
            nodes = [
                node["html"][:160] + " " + node["failureSummary"][:240] for node in violation["nodes"][:3]
            ]
            found.append((path, violation["id"], nodes))
        assert len(result["passes"]) > 8, path
    assert found == []
