"""Patterns that are compiled late."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from importlib import import_module

from tilth import operators
from tilth.operators.regex import _Later, regex


def test_every_pattern_of_every_operator_compiles():
    modules = [
        import_module(f"tilth.operators.{found.name}") for found in pkgutil.iter_modules(operators.__path__)
    ]
    late = [value for module in modules for value in vars(module).values() if isinstance(value, _Later)]
    assert len(late) > 100
    assert {type(one.compiled) for one in late} == {re.Pattern}


def test_a_late_pattern_does_what_the_pattern_does():
    late, now = regex("(?P<a>猫)x", re.IGNORECASE), re.compile("(?P<a>猫)x", re.IGNORECASE)
    assert late.sub(r"\g<a>", "一猫X猫") == now.sub(r"\g<a>", "一猫X猫") == "一猫猫"
    assert (late.pattern, late.flags, late.groupindex) == (now.pattern, now.flags, now.groupindex)
    assert late.search == late.search


def test_importing_the_operators_compiles_none():
    code = (
        "import re, sys\n"
        "seen, make = [], re.compile\n"
        "re.compile = lambda text, flags=0: seen.append(sys._getframe(1).f_code.co_filename) or make(text, flags)\n"
        "import tilth.operators\n"
        "print([one for one in seen if 'operators' in one])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
