"""The house: rooms import only from their left, and the budgets that keep the tail short."""

from __future__ import annotations

import ast
from pathlib import Path

ORDER = [
    *(
        "errors",
        "registry",
        "sample",
        "formats",
        "sources",
        "models",
        "operators",
        "store",
        "pages",
        "recipe",
    ),
    *("engine", "review", "training", "serving", "evaluation", "studio", "cli"),
]
ROOT = Path(__file__).parent.parent / "src" / "tilth"
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import at line {node.lineno}"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name.split(".")[1] for name in names if name.startswith("tilth.") and name.split(".")[1] in ORDER]


def test_every_room_is_in_the_order():
    rooms = {room(path) for path in FILES} - {"__init__", "__main__"}
    assert rooms <= set(ORDER), f"a new room is a decision: {rooms - set(ORDER)}"
    assert len(FILES) > 60


def test_rooms_import_only_from_their_left():
    wrong = []
    for path in FILES:
        if room(path) in ORDER:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            wrong += [
                f"{path.name}: {room(path)} imports {o}"
                for o in imported(tree)
                if ORDER.index(o) > ORDER.index(room(path))
            ]
    assert wrong == []


def test_no_file_is_longer_than_400_lines_and_no_function_than_80():
    long = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.end_lineno - node.lineno >= 80
            ):
                long.append(f"{path.name}:{node.name}")
    assert long == []


def test_broad_excepts_live_in_the_engine_alone():
    broad = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            caught = node.type if isinstance(node, ast.ExceptHandler) else None
            kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
            if any(
                isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in kinds
            ):
                broad.append(room(path))
    assert set(broad) == {"engine"}
    assert len(broad) <= 3
