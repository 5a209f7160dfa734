"""Training on an InternLM2 folder with the backend `hf`, up to the merged model."""

from __future__ import annotations

import pytest

from tests.internlm2 import make_internlm2
from tests.training.conftest import SETTINGS, make_run, sums
from tilth.errors import UserError
from tilth.models.base import Generation
from tilth.models.local import LocalModel
from tilth.models.opened import open_model
from tilth.sample import Message
from tilth.store.files import read_json
from tilth.training.convert import adapter_from_folder, adapter_to_internlm2
from tilth.training.merge import merge
from tilth.training.run import train

pytest.importorskip("sentencepiece")
load_file = pytest.importorskip("safetensors.torch").load_file
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


def test_its_adapter_goes_back_to_the_original_layout(tuned, tmp_path):
    result, base = tuned
    adapter_to_internlm2(result.artifact.path, base, tmp_path / "back")
    about = read_json(tmp_path / "back" / "adapter_config.json")
    assert about["target_modules"] == ["w1", "w2", "w3", "wo", "wqkv"]
    adapter_from_folder(tmp_path / "back", tmp_path / "again", base)
    merged = [
        merge(base, path, tmp_path / path.name.upper()).path
        for path in (result.artifact.path, tmp_path / "again")
    ]
    first, second = (load_file(path / "model.safetensors") for path in merged)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 1e-6


def test_only_internlm2_has_another_layout(tuned, tmp_path):
    result, base = tuned
    with pytest.raises(UserError, match="no InternLM2 model"):
        adapter_to_internlm2(result.artifact.path, open_model(base), tmp_path / "back")
