"""`tilth check`: all problems of a recipe and its input at once."""

from __future__ import annotations

from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.")],
    assign: Annotated[list[str] | None, typer.Option("--set", help="Override: data.to=xtuner.")] = None,
    json: Json = False,
) -> None:
    """Check a recipe, its input and what it trains, without running anything.

    Example: tilth check recipe.yaml
    """
    from tilth.engine import check_input
    from tilth.errors import Problem, RecipeError, UserError
    from tilth.recipe import load
    from tilth.training.check import check_train, train_notes

    notes: list[str] = []
    try:
        plan = load(recipe, assign or [])
        problems = [*check_train(plan), *check_input(plan)]
        notes = train_notes(plan)
    except RecipeError as error:
        problems = list(error.problems)
    except UserError as error:
        problems = [Problem(error.message, file=recipe, hint=error.hint)]
    if json:
        emit({"problems": [problem.as_dict() for problem in problems], "notes": notes})
    else:
        for text in notes:
            note(text)
        for problem in problems:
            say(str(problem))
        say(f"{recipe}: {len(problems)} problem(s)" if problems else f"{recipe}: all good")
    if problems:
        raise typer.Exit(2)
