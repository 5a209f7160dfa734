"""Templates to text: one place that knows the language, escapes what samples say, and formats numbers."""

from __future__ import annotations

import locale
import os
from contextlib import suppress
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

from tilth.pages.diff import diff

Language = Literal["en", "zh"]


def language() -> Language:
    """The reader's language: TILTH_LANG, else the locale; English where neither says Chinese."""
    wish = os.environ.get("TILTH_LANG") or locale.getlocale()[0] or ""
    return "zh" if wish.lower().startswith(("zh", "chinese")) else "en"


@lru_cache(maxsize=1)
def words() -> dict[str, str]:
    """English phrase → Chinese phrase."""
    import yaml

    text = (resources.files("tilth.pages") / "zh.yaml").read_text(encoding="utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def translate(phrase: str, to: Language) -> str:
    """The phrase in the reader's language; a phrase that nobody has translated stays English."""
    return words().get(phrase, phrase) if to == "zh" else phrase


class _Kept(FileSystemBytecodeCache):
    """Compiled templates in a folder of the user's own; a full disk is no reason to fail."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _kept() -> BytecodeCache | None:
    """Where compiled templates are kept among temporary files: to compile one takes longer than to fill it in."""
    try:
        return _Kept(pattern=f"tilth-jinja{jinja2.__version__}-%s.cache")
    except (OSError, RuntimeError):
        # There is no folder for temporary files, or it is not this user's alone.
        return None


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("tilth.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_kept(),
    )
    env.filters["number"] = lambda value: f"{value:,}"
    env.filters["percent"] = lambda value: f"{100 * value:.1f} %"
    env.filters["short"] = short
    env.globals["diff"] = diff
    return env


def short(value: float) -> str:
    """A number in few characters: whole where it is whole, else three significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def render(template: str, to: Language | None = None, **context: Any) -> str:
    """A page as text. In templates `t("English")` gives the phrase in the reader's language.

    Raises:
        jinja2.UndefinedError: the template names something that is not in the context.
    """
    lang = to or language()
    page = _environment().get_template(template)
    return page.render(t=lambda phrase, *args: translate(phrase, lang).format(*args), lang=lang, **context)
