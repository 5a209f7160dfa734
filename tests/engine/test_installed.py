"""Operators of an installed package: found by their entry point, in this process and in those beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of

MODULE = '''
from tilth.operators.base import operator
from tilth.sample import Drop


@operator("{name}")
def short(sample, *, most: int = 10):
    """Keep samples with a short question."""
    return sample if len(sample.question) <= most else Drop("too_long", {{"most": most}})
'''


@pytest.fixture
def installed(tmp_path, project):
    """What `tilth` says where a package declares an operator of this name."""

    def tilth(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        site = tmp_path / "site"
        info = site / "short_questions-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (site / "short_questions.py").write_text(MODULE.format(name=name), encoding="utf-8")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: short-questions\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[tilth]\nshort = short_questions\n")
        known = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
        return subprocess.run(
            [sys.executable, "-m", "tilth.cli.app", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": known},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return tilth


def test_a_package_brings_operators(installed, project):
    p = project(lines(record(question) for question in QUESTIONS), "- short.questions: {most: 8}")
    done = installed(
        "short.questions", "run", str(p.recipe), "--out", str(p.folder / "out"), "--workers", "2"
    )
    assert done.returncode == 0, done.stderr
    reasons = {row["reason"] for row in rows_of(p.folder / "out/dropped.jsonl")}
    assert reasons == {"too_long"}
    assert "short.questions" in installed("short.questions", "list", "operators").stdout


def test_a_package_may_not_take_a_name_of_ours(installed, project):
    p = project(lines(record(question) for question in QUESTIONS), "- clean.strip_html")
    done = installed("clean.strip_html", "check", str(p.recipe))
    assert done.returncode == 2
    assert "'clean.strip_html' is registered twice" in done.stdout
    assert not (Path(p.folder) / "out").exists()
