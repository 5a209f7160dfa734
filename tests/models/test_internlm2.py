"""InternLM2 folders: opened without the code they bring, in the Llama layout, with the same logits and ids."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.internlm2 import STOCK_TEMPLATE, make_config, make_internlm2, reference_logits
from tilth.errors import FolderError, UserError
from tilth.models.base import Generation
from tilth.models.internlm2 import join_rows, llama_config, read_layout, split_rows
from tilth.models.loader import Hardware, load_model, load_template, load_tokenizer, weights_digest
from tilth.models.opened import convert_internlm2, counterpart, open_model
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.sample import Message

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")
pytestmark = pytest.mark.train

SHAPES = {
    "grouped heads": {},
    "one group": {"num_key_value_heads": 1},
    "no groups": {"num_key_value_heads": 6},
    "biases": {"bias": True},
    "tied head": {"tie_word_embeddings": True},
    "linear scaling": {"rope_scaling": {"type": "linear", "factor": 2.0}},
    "dynamic scaling": {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
}
TALK = (Message(role="user", content="水会累吗？"), Message(role="assistant", content="不会。"))


def logits(folder, ids):
    model = load_model(folder, Hardware("cpu", "float32")).eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).logits[0]


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_logits_equal_the_layouts_arithmetic(tmp_path, changes):
    config, weights = make_internlm2(tmp_path / "internlm2", **changes)
    ids = torch.randint(3, config["vocab_size"], (40,), generator=torch.Generator().manual_seed(1)).tolist()
    wanted = reference_logits(ids, config, weights)
    assert float(wanted.std()) > 0.5
    assert float((logits(tmp_path / "internlm2", ids) - wanted).abs().max()) < 1e-4


def test_a_permuted_group_would_be_seen(tmp_path):
    config, weights = make_internlm2(tmp_path / "internlm2")
    ids = [1, 50, 60, 70, 80]
    wanted = reference_logits(ids, config, weights)
    name = "model.layers.0.attention.wqkv.weight"
    weights[name] = weights[name].roll(8, 0)
    assert float((reference_logits(ids, config, weights) - wanted).abs().max()) > 1e-2


def test_rows_split_and_join_again():
    layout = read_layout(make_config(vocab_size=10))
    joined = torch.arange(80 * 3).reshape(80, 3)
    parts = split_rows(joined, layout)
    assert [len(part) for part in parts] == [48, 16, 16]
    assert torch.equal(join_rows(*parts, layout), joined)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "internlm2-chat"
    make_internlm2(folder)
    return folder


def test_the_copy_is_made_once_beside_the_folder(original):
    said = []
    place = open_model(original, said.append)
    assert (place, len(said)) == (original.with_name("internlm2-chat-llama"), 1)
    assert open_model(original, said.append) == place
    assert len(said) == 1
    assert not list(original.parent.glob(".*"))


def test_a_changed_checkpoint_is_converted_anew(original, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(original, folder)
    first = weights_digest(open_model(folder))
    make_internlm2(tmp_path / "other", rope_theta=500)
    shutil.copyfile(tmp_path / "other" / "config.json", folder / "config.json")
    assert weights_digest(open_model(folder)) != first


def test_the_cache_can_lie_elsewhere(original, tmp_path, monkeypatch):
    monkeypatch.setenv("TILTH_CACHE", str(tmp_path / "cache"))
    assert open_model(original) == tmp_path / "cache" / "internlm2-chat-llama"


def test_two_at_once_leave_one_whole_copy(original, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(original, folder)
    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(lambda _: open_model(folder), range(4)))
    assert places == {tmp_path / "m-llama"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m-llama"]
    assert (tmp_path / "m-llama" / "model.safetensors").is_file()


def test_a_folder_of_someone_else_is_left_alone(original, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(original, folder)
    (tmp_path / "m-llama").mkdir()
    (tmp_path / "m-llama" / "mine.txt").touch()
    with pytest.raises(FolderError, match="no converted model of ours"):
        open_model(folder)


def test_template_and_ids_are_the_same_on_both_sides(original):
    there = open_model(original)
    ours, converted = load_template(original), load_template(there)
    assert ours.text == converted.text == INTERNLM2
    stock = ChatTemplate(STOCK_TEMPLATE, ours.tokens)
    assert stock.render(TALK, True) == ours.render(TALK, True)
    assert (
        stock.encode(load_tokenizer(original), TALK)
        == ours.encode(load_tokenizer(original), TALK)
        == converted.encode(load_tokenizer(there), TALK)
    )


def test_transformers_reads_the_copy_and_renders_the_same(original):
    from transformers import AutoTokenizer

    place = open_model(original)
    tokenizer = AutoTokenizer.from_pretrained(place)
    messages = [{"role": m.role, "content": m.content} for m in TALK]
    found = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids, trained = load_template(original).encode(load_tokenizer(original), TALK)
    assert (found["input_ids"], found["assistant_masks"]) == (ids, trained)
    assert tokenizer("水").input_ids[0] == 1


def test_an_own_template_stays(tmp_path):
    make_internlm2(tmp_path / "m")
    own = "{% for m in messages %}{{ m.role ~ ':' ~ m.content ~ '\n' }}{% endfor %}"
    (tmp_path / "m" / "chat_template.jinja").write_text(own, encoding="utf-8")
    assert load_template(open_model(tmp_path / "m")).text == own


def test_answers_end_where_the_template_ends_them(original):
    config = json.loads((open_model(original) / "generation_config.json").read_text(encoding="utf-8"))
    end = load_tokenizer(original).token_to_id("<|im_end|>")
    assert config["eos_token_id"] == sorted([2, end])


def test_it_talks(original):
    from tilth.models.local import LocalModel

    reply = LocalModel(original).ask(TALK[:1], Generation(max_new_tokens=4, temperature=0))
    assert reply.state in ("done", "truncated")


def test_pickles_are_opened_only_when_that_is_asked_for(tmp_path):
    folder = tmp_path / "m"
    config, weights = make_internlm2(folder, pickled=True)
    with pytest.raises(UserError, match=r"--allow-bin"):
        open_model(folder)
    assert convert_internlm2(folder, counterpart(folder), allow_bin=True).made
    ids = [1, 50, 60, 70]
    wanted = reference_logits(ids, config, weights)
    assert float((logits(folder, ids) - wanted).abs().max()) < 1e-4


class _Trap:
    def __reduce__(self):
        return print, ("never printed",)


def test_a_pickle_that_holds_more_than_tensors_is_refused(tmp_path, capsys):
    folder = tmp_path / "m"
    make_internlm2(folder, pickled=True)
    torch.save({"model.norm.weight": _Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="holds more than tensors"):
        convert_internlm2(folder, tmp_path / "out", allow_bin=True)
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_several_files_stay_several(tmp_path):
    from safetensors.torch import save_file

    folder = tmp_path / "m"
    config, weights = make_internlm2(folder)
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for k, part in enumerate((names[:7], names[7:]), 1):
        save_file({name: weights[name] for name in part}, folder / f"model-0000{k}-of-00002.safetensors")
    ids = [1, 50, 60, 70]
    assert float((logits(folder, ids) - reference_logits(ids, config, weights)).abs().max()) < 1e-4
    assert len(list(open_model(folder).glob("model-*.safetensors"))) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda w: w.pop("model.layers.1.feed_forward.w2.weight"),
            r"lacks 1 of the 17 weights.*layers\.1\.feed",
        ),
        (lambda w: w.update({"v_head.weight": torch.ones(1, 48)}), r"holds v_head\.weight.*Reward models"),
        (
            lambda w: w.update({"model.layers.0.attention.wqkv.weight": torch.ones(96, 48)}),
            r"wqkv\.weight has the shape \[96, 48\], and config\.json asks for \[80, 48\]",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path, change, complaint):
    from safetensors.torch import save_file

    folder = tmp_path / "m"
    _, weights = make_internlm2(folder)
    change(weights)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match=complaint):
        open_model(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rope_scaling": {"type": "yarn", "factor": 2.0}}, "scales positions as"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"num_key_value_heads": 4}, "inconsistent"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(changes, complaint):
    with pytest.raises(UserError, match=complaint):
        llama_config(make_config(vocab_size=10, max_position_embeddings=16, **changes))
