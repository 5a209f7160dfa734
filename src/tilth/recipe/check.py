"""Check a recipe completely, before the first sample moves: every problem at once, each with its line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tilth.errors import NotFoundError, Problem, RecipeError, SourceError, TilthError, did_you_mean
from tilth.formats.base import FORMATS
from tilth.operators.base import OPERATORS, Operator
from tilth.recipe.models import Named, models_of_step, read_models, unset
from tilth.recipe.override import override
from tilth.recipe.plan import PLUGIN, Plan, Step
from tilth.recipe.schema import Data, From, Recipe
from tilth.recipe.yaml import Lines, line_of, parse
from tilth.registry import load_entry_points
from tilth.sources import is_there, spec_at
from tilth.sources.base import Spec

SHIPPED = resources.files("tilth.recipe") / "shipped"
SUFFIXES = (".yaml", ".yml", ".json", "")
"""What a recipe's name may end with: JSON is YAML. Anything else is data that was given in a recipe's place."""


def shipped_names() -> list[str]:
    """Names of the recipes that come with Tilth."""
    return sorted(
        item.name.removesuffix(".yaml") for item in SHIPPED.iterdir() if item.name.endswith(".yaml")
    )


def shipped_text(name: str) -> str:
    """A shipped recipe as it is written.

    Raises:
        NotFoundError: there is none of that name.
    """
    if name not in shipped_names():
        raise NotFoundError(f"there is no shipped recipe '{name}'.", did_you_mean(name, shipped_names()))
    return (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")


def load(recipe: str | Path, assignments: list[str] | None = None) -> Plan:
    """Read and check a recipe.

    Args:
        recipe: a YAML file, or the name of a shipped recipe.
        assignments: `key=value` overrides.

    Raises:
        RecipeError: with all problems found.
        NotFoundError: there is no such file or shipped recipe.
    """
    path = Path(recipe)
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            hint = f"If it is your data, make a recipe for it with: tilth init {recipe}"
            raise RecipeError([Problem("the name of a recipe ends with .yaml.", file=str(path), hint=hint)])
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise RecipeError(
                [Problem("this file is no UTF-8 text.", file=str(path), hint="Save it as UTF-8.")]
            ) from None
        return check(text, str(recipe), path.resolve().parent, assignments or [])
    if path.suffix or len(path.parts) > 1:
        raise NotFoundError(f"there is no recipe at {recipe}.", "Make one with: tilth init DATA")
    return check(shipped_text(str(recipe)), f"{recipe} (shipped)", Path.cwd(), assignments or [])


def check(text: str, file: str, folder: Path, assignments: list[str], *, need_sources: bool = True) -> Plan:
    """The plan of a recipe text.

    Args:
        text: the recipe.
        file: its name, for messages.
        folder: what relative paths in it are relative to.
        assignments: `key=value` overrides.
        need_sources: whether files that the recipe reads must be there.

    Raises:
        RecipeError: with all problems found.
    """
    document, lines = parse(text, file)
    if not isinstance(document, dict):
        message = "a recipe is a mapping with the keys name and data."
        raise RecipeError([Problem(message, file=file, line=1, hint="See one with: tilth init --list")])
    problems = override(document, assignments)
    checker = _Checker(file, lines, folder, problems, need_sources)
    checker.plugins(document.get("plugins"))
    checker.models = read_models(document.get("models"), folder, checker.say, checker.tell)
    recipe = checker.recipe(document)
    steps = checker.steps(document.get("data"))
    data = checker.data(document.get("data"))
    specs = checker.sources(data) if data is not None else ()
    checker.questions(recipe)
    checker.contestants(recipe)
    if problems or recipe is None:
        raise RecipeError(sorted(problems, key=lambda problem: problem.line or 0))
    return Plan(recipe, file, folder, text, document, specs, steps)


class _Checker:
    """Collects problems while it turns a document into the parts of a plan."""

    def __init__(
        self, file: str, lines: Lines, folder: Path, problems: list[Problem], need_sources: bool
    ) -> None:
        self.file, self.lines, self.folder, self.problems = file, lines, folder, problems
        self.need_sources = need_sources
        self.models: dict[str, Named] = {}
        self._told: set[str] = set()

    def say(self, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, path, self.file, line_of(self.lines, path), hint))

    def plugins(self, names: Any) -> None:
        load_entry_points()
        found: list[Path] = []
        for index, name in enumerate(names if isinstance(names, list) else []):
            path = self.folder / str(name)
            if not path.is_file():
                self.say(f"plugins[{index}]", f"there is no file {path}.")
                continue
            try:
                use_plugins([*found, path])
                found.append(path)
            except TilthError as error:
                self.say(f"plugins[{index}]", error.message, error.hint)
            except (ImportError, SyntaxError, NameError, TypeError, ValueError, AttributeError) as error:
                self.say(f"plugins[{index}]", f"{path.name} cannot be imported: {error}.")
        if not found:
            use_plugins([])

    def recipe(self, document: Mapping[str, Any]) -> Recipe | None:
        try:
            return Recipe.model_validate(document)
        except ValidationError as error:
            self.tell(error, "", Recipe)
            return None

    def data(self, section: Any) -> Data | None:
        """The data section by itself, so that a fault elsewhere in the recipe does not hide its own."""
        try:
            data = Data.model_validate(section)
        except ValidationError:
            return None
        self.formats(data)
        return data

    def steps(self, data: Any) -> tuple[Step, ...]:
        items = data.get("steps") if isinstance(data, dict) else None
        steps: list[Step] = []
        uses: dict[str, int] = {}
        for index, item in enumerate(items if isinstance(items, list) else []):
            step = self._step(f"data.steps[{index}]", item)
            if step is None:
                continue
            uses[step.operator] = uses.get(step.operator, 0) + 1
            if uses[step.operator] > 1:
                step = replace(step, name=f"{step.operator}@{uses[step.operator]}")
            steps.append(step)
        return tuple(steps)

    def _step(self, path: str, item: Any) -> Step | None:
        if isinstance(item, str):
            name: str = item
            settings: Mapping[str, Any] | None = None
        elif isinstance(item, dict) and len(item) == 1 and isinstance(next(iter(item.values())), dict | None):
            name, settings = next(iter(item.items()))
        else:
            self.say(
                path,
                "a step is a name, or a name with a mapping of settings: `- filter.length: {min_chars: 2}`.",
            )
            return None
        if name not in OPERATORS:
            self.say(path, f"unknown operator '{name}'.", did_you_mean(str(name), OPERATORS.names()))
            return None
        return self._settings(f"{path}.{name}", OPERATORS.get(name), settings or {})

    def _settings(self, path: str, declared: Operator, settings: Mapping[str, Any]) -> Step | None:
        try:
            values = declared.settings.model_validate(settings).model_dump()
        except ValidationError as error:
            self.tell(error, path, declared.settings, f"{declared.name}: ")
            return None
        for name in declared.files:
            values[name] = self._files(f"{path}.{name}", values.get(name))
        try:
            declared.bind(values)
        except TilthError as error:
            self.say(path, f"{declared.name}: {error.message}", error.hint)
            return None
        except ValueError as error:
            self.say(path, f"{declared.name}: {error}")
            return None
        return Step(declared.name, declared.name, values, self._models(path, declared, values))

    def _models(self, path: str, declared: Operator, values: Mapping[str, Any]) -> dict[str, Named]:
        found = models_of_step(path, declared, values, self.models, self.say)
        for named in found.values() if self.need_sources else ():
            if named.name not in self._told:
                self._told.add(named.name)
                for problem in unset(named):
                    self.say(f"models.{named.name}", f"{problem}.")
        return found

    def _files(self, path: str, value: Any) -> Any:
        """File names in a setting, from where the recipe lies; in a list a folder stands for the files in it."""
        if isinstance(value, list | tuple):
            return [name for item in value for name in self._listed(path, str(item))]
        if not isinstance(value, str):
            return value
        found = self.folder / value
        if self.need_sources and not found.exists():
            self.say(path, f"there is no file {found}.")
        return str(found)

    def _listed(self, path: str, value: str) -> list[str]:
        folder = self.folder / value
        if not folder.is_dir():
            return [self._files(path, value)]
        return [str(inner) for inner in sorted(folder.rglob("*")) if inner.is_file()]

    def formats(self, data: Data) -> None:
        named = [("data.format", data.format)]
        named += [
            ("data.from", item.format) for item in _items(data) if isinstance(item, From) and item.format
        ]
        for path, name in named:
            if name != "auto" and name not in FORMATS:
                self.say(path, f"unknown format '{name}'.", did_you_mean(name, FORMATS.names()))
        if data.to not in FORMATS:
            self.say(
                "data.to",
                f"unknown format '{data.to}'.",
                did_you_mean(data.to, FORMATS.names()),
            )
        elif FORMATS.get(data.to).write is None:
            self.say("data.to", f"the format '{data.to}' can only be read.")

    def sources(self, data: Data) -> tuple[Spec, ...]:
        specs = []
        for item in _items(data):
            entry = From(path=item) if isinstance(item, str) else item
            try:
                spec = spec_at(entry.path, self.folder)
            except SourceError as error:
                self.say("data.from", error.message, error.hint)
                continue
            pattern = any(sign in entry.path for sign in "*?[")
            if self.need_sources and not (spec.address or pattern or is_there(spec.path)):
                self.say(
                    "data.from",
                    f"there is no file or folder {spec.path}.",
                    "Name yours there, or with --set data.from=FILE.",
                )
            columns = {**data.columns, **entry.columns}
            name = entry.format or data.format
            settled = None if name == "auto" else name
            specs.append(
                replace(spec, format=settled, encoding=entry.encoding, columns=columns, page=entry.page)
            )
        return tuple(specs)

    def questions(self, recipe: Recipe | None) -> None:
        """The file of the compare questions is needed already when the data runs: its leaks are looked for."""
        asked = recipe.compare.questions if recipe and recipe.compare else "test"
        if (
            isinstance(asked, str)
            and asked != "test"
            and self.need_sources
            and not (self.folder / asked).is_file()
        ):
            hint = "Write `test`, a file, or the questions themselves."
            self.say("compare.questions", f"there is no file {self.folder / asked}.", hint)

    def contestants(self, recipe: Recipe | None) -> None:
        """The judge is a model of the recipe; before and after are one, or a folder or file that is there."""
        compare = recipe.compare if recipe else None
        if compare is None or recipe is None:
            return
        known = (
            f"Known: {', '.join(recipe.models)}." if recipe.models else "The recipe has no section `models`."
        )
        if compare.judge is not None and compare.judge not in recipe.models:
            close = did_you_mean(compare.judge, recipe.models) if recipe.models else known
            self.say("compare.judge", f"there is no model '{compare.judge}' under models.", close)
        for side, name in (("before", compare.before), ("after", compare.after)):
            there = name is None or name in recipe.models or (self.folder / name).exists()
            if self.need_sources and not there:
                self.say(
                    f"compare.{side}", f"'{name}' is no model of the recipe, no folder and no file.", known
                )

    def tell(self, error: ValidationError, prefix: str, model: Any, lead: str = "") -> None:
        for found in error.errors():
            if not prefix and found["loc"][:1] == ("models",) and len(found["loc"]) > 1:
                continue  # `read_models` has told it, in the words of its kind
            path = _dotted(prefix, found["loc"])
            if found["type"] == "extra_forbidden":
                known = _known_keys(model, found["loc"][:-1])
                self.say(
                    path,
                    f"{lead}unknown setting '{found['loc'][-1]}'.",
                    did_you_mean(str(found["loc"][-1]), known),
                )
            elif found["type"] == "missing":
                self.say(path, f"{lead}'{found['loc'][-1]}' is missing.")
            else:
                got = repr(found["input"])
                shown = got if len(got) < 60 else got[:57] + "…"
                self.say(path, f"{lead}{found['msg']}, got {shown}.")


def _items(data: Data) -> list[str | From]:
    given = data.from_
    return given if isinstance(given, list) else [given]


def _dotted(prefix: str, loc: tuple[str | int, ...]) -> str:
    path = prefix
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif (
            part[:1].islower()
            and not part.startswith(("list[", "function-", "constrained-"))
            and part != "str"
        ):
            path += f".{part}" if path else part
    return path


def _known_keys(model: Any, loc: tuple[str | int, ...]) -> list[str]:
    for part in loc:
        field = (
            model.model_fields.get(part) if isinstance(part, str) and hasattr(model, "model_fields") else None
        )
        if field is None:
            continue
        inner = [
            a
            for a in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if hasattr(a, "model_fields")
        ]
        model = inner[0] if inner else model
    return [field.alias or name for name, field in model.model_fields.items()]


def plugin_module(path: Path) -> str:
    """The name under which a plugin file is imported; it changes with the file's content."""
    return f"{PLUGIN}{path.stem}_{blake2b(path.read_bytes(), digest_size=8).hexdigest()}"


def use_plugins(paths: Sequence[Path]) -> None:
    """Let the operators of these files be known, and those of no other file: another recipe's, or an older version.

    Raises:
        ImportError: Python cannot load a file.
        UserError: two files register the same name.
    """
    names = {plugin_module(path): path for path in paths}
    registered = {old: declared.target.__module__ for old, declared in OPERATORS.loaded()}
    for old, home in registered.items():
        if home.startswith(PLUGIN) and home not in names:
            OPERATORS.remove(old)
            sys.modules.pop(home, None)
    for name, path in names.items():
        if name not in sys.modules:
            _import(name, path)


def _import(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    whole = False
    try:
        spec.loader.exec_module(module)
        whole = True
    except SystemExit:
        raise ImportError(f"{path} ends the program when it is imported") from None
    finally:
        if not whole:
            del sys.modules[name]
