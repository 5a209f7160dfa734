"""Model folders: what is read from them and what is refused."""

from __future__ import annotations

import json
import shutil

import pytest

from tilth.errors import UserError
from tilth.models.loader import (
    Hardware,
    has_template,
    load_model,
    load_template,
    load_tokenizer,
    need_folder,
    weights_digest,
)
from tilth.models.template import INTERNLM2, PLAIN
from tilth.sample import Message
from tilth.training.lint import template_faults

pytestmark = pytest.mark.train

CPU = Hardware("cpu", "float32")


@pytest.fixture
def copy(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "copy")


def test_need_folder(tmp_path):
    with pytest.raises(UserError, match=r"no config\.json"):
        need_folder(tmp_path)


def test_tokenizer_must_be_fast(tmp_path):
    with pytest.raises(UserError, match=r"neither tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_own_template_comes_first(copy):
    (copy / "chat_template.jinja").write_text("{{ bos_token }}{{ messages[0].content }}", encoding="utf-8")
    assert load_template(copy).render([Message(role="user", content="好")]) == "<s>好"


@pytest.mark.parametrize("value", ["甲{{ 1 }}", [{"name": "default", "template": "甲{{ 1 }}"}]])
def test_template_in_the_tokenizer_configuration(copy, value):
    (copy / "chat_template.jinja").unlink()
    config = json.loads((copy / "tokenizer_config.json").read_text(encoding="utf-8"))
    changed = config | {"chat_template": value, "bos_token": {"content": "<s>"}}
    (copy / "tokenizer_config.json").write_text(json.dumps(changed), encoding="utf-8")
    template = load_template(copy)
    assert template.render([]) == "甲1"
    assert template.tokens["bos_token"] == "<s>"


def test_role_marks_in_the_vocabulary_mean_internlm2(copy):
    (copy / "chat_template.jinja").unlink()
    assert load_template(copy).text == INTERNLM2


def _without_role_marks(folder, *more):
    (folder / "chat_template.jinja").unlink()
    text = (folder / "tokenizer.json").read_text(encoding="utf-8").replace("<|im_start|>", "<|other|>")
    for token in more:
        text = text.replace(token, f"[{token[1:-1]}X]")
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")


def test_a_base_model_without_a_template_gets_a_plain_one(copy):
    _without_role_marks(copy)
    template, tokenizer = load_template(copy), load_tokenizer(copy)
    assert (template.text, has_template(copy)) == (PLAIN, False)
    talk = [Message("system", "简短。"), Message("user", "云重吗？"), Message("assistant", "重。")]
    text = template.render(talk)
    assert text == "<s>简短。\n\nUser:\n云重吗？\n\nAssistant:\n重。</s>\n"
    assert text.startswith(template.render(talk[:2], True))
    ids, trained = template.encode(tokenizer, talk)
    learned = [one for one, mark in zip(ids, trained, strict=True) if mark]
    assert tokenizer.decode(learned, skip_special_tokens=False) == "重。</s>"
    assert template.end_of_turn(tokenizer) == tokenizer.token_to_id("</s>")
    (fault,) = template_faults(template, tokenizer)
    assert (fault.rule, "User: and Assistant:" in fault.message) == ("no_chat_template", True)


def test_an_end_token_that_the_folder_names_needs_no_known_vocabulary(copy):
    _without_role_marks(copy, "</s>", "<s>")
    config = json.loads((copy / "tokenizer_config.json").read_text(encoding="utf-8"))
    named = {k: v for k, v in config.items() if k != "bos_token"} | {"eos_token": "[/sX]"}
    (copy / "tokenizer_config.json").write_text(json.dumps(named), encoding="utf-8")
    (copy / "special_tokens_map.json").unlink(missing_ok=True)
    template = load_template(copy)
    assert template.tokens["eos_token"] == "[/sX]"
    assert template.render([Message("assistant", "重。")]) == "Assistant:\n重。[/sX]\n"


def test_a_vocabulary_without_an_end_has_no_plain_template(copy):
    _without_role_marks(copy, "</s>")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(UserError, match="no end token that Tilth knows"):
        load_template(copy)


def test_only_safetensors_are_loaded(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        load_model(copy, CPU)


def test_code_of_a_folder_is_never_run(copy):
    config = json.loads((copy / "config.json").read_text(encoding="utf-8")) | {"model_type": "baichuan"}
    (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UserError, match="runs only with code from its own folder"):
        load_model(copy, CPU)


def test_digest_sees_one_changed_weight(copy, model_folder):
    assert weights_digest(copy) == weights_digest(model_folder)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert weights_digest(copy) != weights_digest(model_folder)
