"""Training on an InternLM2 folder with the backend `hf`, up to the merged model."""

from __future__ import annotations

import pytest

from tests.internlm2 import make_internlm2
from tests.training.conftest import SETTINGS, make_run, sums
from tilth.models.base import Generation
from tilth.models.local import LocalModel
from tilth.sample import Message
from tilth.training.merge import merge
from tilth.training.run import train

pytest.importorskip("sentencepiece")
pytestmark = pytest.mark.train
QUESTION = (Message(role="user", content="一加一等于几？"),)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A training on a tiny InternLM2 folder, and the folder."""
    place = tmp_path_factory.mktemp("internlm2")
    make_internlm2(place / "m")
    run = make_run(place / "run", {"train": sums()[:8]})
    settings = SETTINGS.model_copy(update={"base_model": str(place / "m"), "epochs": 2})
    return train(settings, run), place / "m"


def test_it_is_trained_merged_and_talked_to(tuned, tmp_path):
    result, base = tuned
    assert (result.state, result.base.resolve()) == ("trained", base.resolve())
    assert merge(result.base, result.artifact.path, tmp_path / "merged").difference < 1e-3
    answers = [
        LocalModel(*folders).ask(QUESTION, Generation(max_new_tokens=8, temperature=0)).text
        for folders in ((base, result.artifact.path), (tmp_path / "merged",))
    ]
    assert answers[0] == answers[1]
