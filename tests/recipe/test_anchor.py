from pathlib import Path

import pytest

from tilth.recipe.anchor import anchored, anchored_compare
from tilth.recipe.schema import Compare, Recipe, Train

HOME = Path("somewhere") / "recipes"


def recipe(**sections):
    return Recipe(name="r", data={"from": "raw.jsonl"}, **sections)


def test_what_compare_names_is_found_from_the_recipe():
    named = Compare(questions="q.txt", general="mine.jsonl", before="models/base", after="tuned")
    found = anchored_compare(named, ["teacher"], HOME)
    assert [found.questions, found.general, found.before, found.after] == [
        str(HOME / name) for name in ("q.txt", "mine.jsonl", "models/base", "tuned")
    ]


def test_words_that_are_no_paths_stay():
    named = Compare(before="teacher")
    assert anchored_compare(named, ["teacher"], HOME) == named
    listed = Compare(questions=["水湿吗"], general=None)
    assert anchored_compare(listed, [], HOME) == listed


def test_an_absolute_path_stays(tmp_path):
    named = Compare(questions=str(tmp_path / "q.txt"))
    assert anchored_compare(named, [], HOME).questions == named.questions


@pytest.mark.parametrize("name", ["base", "org/base-on-a-hub"])
def test_a_base_model_is_a_folder_of_the_recipe_or_a_name(tmp_path, name):
    (tmp_path / "base").mkdir()
    found = anchored(recipe(train=Train(base_model=name)), tmp_path).train
    assert found.base_model == (str(tmp_path / "base") if name == "base" else name)
