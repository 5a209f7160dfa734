"""Token counts are those of training: one code path, every sample in its place."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from tilth.cli.app import app
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.recipe.schema import Train
from tilth.sample import Message, Sample
from tilth.training.lint import template_faults
from tilth.training.rows import encode_samples
from tilth.training.tokens import Piece, count_tokens
from tilth.training.tokens_page import bars, page, summary

pytestmark = pytest.mark.train

SAMPLES = [
    Sample(
        f"{i}",
        f"a.jsonl:{i}",
        (Message("user", f"第{i}个问题？" * (1 + 40 * (i == 3))), Message("assistant", "好的。" * i)),
    )
    for i in range(1, 5)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tilth.training.tiny import save_tokenizer, train_tokenizer

    place = tmp_path_factory.mktemp("model")
    save_tokenizer(train_tokenizer([m.content for s in SAMPLES for m in s.messages]), place)
    (place / "chat_template.jinja").write_text(INTERNLM2, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def tokenizer(folder):
    from tilth.models.loader import load_tokenizer

    return load_tokenizer(folder)


def test_counts_are_those_of_training(folder, tokenizer):
    from tilth.models.loader import load_template

    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder), batch_size=2, epochs=3))
    rows = encode_samples(SAMPLES, load_template(folder), tokenizer, 2048)
    assert [row["tokens"] for row in found.samples] == [len(ids) for ids in rows.ids]
    assert found.totals["trained"] == sum(map(sum, rows.trained))
    assert found.totals["prompt"] + found.totals["trained"] == found.totals["tokens"]
    assert found.totals["optimizer_steps"] == 6
    assert found.warm_up == 1
    assert found.lint == []


def test_what_does_not_fit_keeps_its_place_and_is_said(folder):
    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder), max_length=40))
    third = found.samples[2]
    assert (third["place"], third["trained"], third["truncated"]) == ("a.jsonl:3", 0, True)
    assert third["tokens"] > 40
    assert {lint.rule for lint in found.lint} == {"truncated", "untrained"}
    (shown,) = [sample for sample in found.shown if sample.place == "a.jsonl:3"]
    assert [piece.kind for piece in shown.pieces] == ["read", "cut"]


def test_the_mask_is_the_answer_and_its_end(folder):
    found = count_tokens(SAMPLES[:1], folder, Train(base_model=str(folder)))
    (shown,) = found.shown
    assert [piece.text for piece in shown.pieces if piece.kind == "learned"] == ["好的。<|im_end|>"]
    assert "".join(piece.text for piece in shown.pieces).startswith("<s><|im_start|>user\n第1个")


def test_an_answer_that_is_not_learned_counts_as_an_answer(folder):
    talk = (*SAMPLES[0].messages[:1], SAMPLES[0].messages[1].replace(loss=False), *SAMPLES[1].messages)
    (shown,) = count_tokens([Sample("1", "a:1", talk)], folder, Train(base_model=str(folder))).shown
    assert shown.answer > shown.trained > 0
    assert shown.pieces[1] == Piece("好的。好的。<|im_end|>", "learned")


def test_packing_fills_rows_and_makes_fewer_steps(folder):
    settings = Train(base_model=str(folder), max_length=120, packing=True, batch_size=1, epochs=1)
    found = count_tokens(SAMPLES * 4, folder, settings)
    assert found.totals["packs"] < len(found.kept)
    assert found.totals["packs"] >= sum(found.kept) / 120
    assert found.totals["optimizer_steps"] == found.totals["packs"]
    assert 0.5 < found.filled <= 1


def test_one_sample_can_be_asked_for(folder):
    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder)), place="a.jsonl:4")
    assert [sample.place for sample in found.shown] == ["a.jsonl:4"]


def test_a_template_that_refuses_says_why_and_keeps_the_place(folder):
    strange = Sample("9", "a.jsonl:9", (Message("tool", "42"), Message("assistant", "好")))
    found = count_tokens([*SAMPLES, strange], folder, Train(base_model=str(folder)))
    assert found.samples[-1] == {"place": "a.jsonl:9", "tokens": 0, "trained": 0, "truncated": False}
    assert found.totals["untrained"] == 1
    assert found.lint[0].rule == "refused_by_template"
    assert "no place for tool turns" in found.shown[-1].refused


def test_control_tokens_in_a_text_are_said(folder):
    planted = Sample("9", "a.jsonl:9", (Message("user", "停<|im_end|>！"), Message("assistant", "好")))
    (lint,) = count_tokens([planted], folder, Train(base_model=str(folder))).lint
    assert (lint.rule, "a.jsonl:9: <|im_end|>" in lint.message) == ("control_token_in_text", True)


UNMARKED = re.sub(r"\{%- (end)?generation %\}", "", INTERNLM2)
INJECTING = INTERNLM2.replace(
    "{%- for message",
    "{%- if messages[0].role != 'system' %}{{- '<|im_start|>system\\nYou are a helpful one.<|im_end|>\\n' }}{%- endif %}\n"
    "{%- for message",
    1,
)
ENDLESS = INTERNLM2.replace(
    "message.content ~ '<|im_end|>' }}{%- endgeneration %}",
    "message.content }}{%- endgeneration %}{{- '<|im_end|>' }}",
)
THINKING = INTERNLM2.replace("{%- generation %}", "{{- '<think></think>' }}{%- generation %}")


@pytest.mark.parametrize(
    ("template", "rules"),
    [
        (INTERNLM2, []),
        (UNMARKED, ["no_generation_markers"]),
        (INJECTING, ["injected_system"]),
        (INTERNLM2.replace("{{- bos_token }}", "{{- bos_token ~ bos_token }}"), ["double_bos"]),
        (ENDLESS, ["untrained_end"]),
        (THINKING, ["template_mismatch"]),
        (INTERNLM2.replace("'assistant')", "'bot')"), ["refuses_plain_talk"]),
    ],
    ids=["clean", "unmarked", "injecting", "double", "endless", "thinking", "refusing"],
)
def test_the_lint_names_each_fault_and_no_other(tokenizer, template, rules):
    assert template != INTERNLM2 or rules == []
    assert [lint.rule for lint in template_faults(ChatTemplate(template), tokenizer)] == rules


def test_a_tokenizer_that_begins_texts_itself_is_said(folder):
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    loaded = Tokenizer.from_file(str(folder / "tokenizer.json"))
    loaded.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", loaded.token_to_id("<s>"))])
    assert [lint.rule for lint in template_faults(ChatTemplate(), loaded)] == ["double_bos_elsewhere"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_one_static_file_with_masks(folder, monkeypatch, lang):
    monkeypatch.setenv("TILTH_LANG", lang)
    found = count_tokens(SAMPLES, folder, Train(base_model=str(folder), max_length=40))
    text = page(found, "a.jsonl", "base")
    assert not re.search(r"<script|https?:|<link|src=", text)
    assert '<b class="learned">好的。&lt;|im_end|&gt;</b>' in text
    assert '<s class="cut">' in text
    assert ("训练器将看到什么" in text) == (lang == "zh")


def test_bars_count_every_sample_once():
    lines = list(bars([1, 2, 3, 30, 31, 500, 900], 400))
    assert sum(int(line.split()[-1]) for line in lines) == 7
    assert lines[-1].split()[:2] == ["over", "400"]
    assert list(bars([], 400)) == []
    assert [line.split()[:3] for line in bars([700, 701, 702], 800)] == [
        [n, "–", n] for n in ("700", "701", "702")
    ]
    assert sum(int(line.split()[-1]) for line in bars([900, 950], 400)) == 2


def test_the_summary_says_steps_and_warm_up(folder):
    lines = list(summary(count_tokens(SAMPLES, folder, Train(base_model=str(folder)))))
    assert lines[-1] == "3 optimizer steps (1 of them warm-up): 3 epochs, 4 rows a batch, 1 batches a step"


def test_the_command_prints_json_as_promised_and_writes_the_page(folder, tmp_path):
    data = tmp_path / "talks.jsonl"
    rows = [{"messages": [{"role": m.role, "content": m.content} for m in s.messages]} for s in SAMPLES]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    options = ["--model", str(folder), "--set", "train.batch_size=2", "--max-length", "40"]
    done = CliRunner().invoke(
        app, ["tokens", str(data), *options, "--html", str(tmp_path / "x.html"), "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found) == ["totals", "samples", "lint"]
    assert list(found["totals"]) == [
        *("samples", "tokens", "prompt", "trained", "truncated", "untrained", "packs", "optimizer_steps")
    ]
    assert list(found["samples"][0]) == ["place", "tokens", "trained", "truncated"]
    assert list(found["lint"][0]) == ["rule", "message", "fix"]
    assert found["totals"]["optimizer_steps"] == 6
    assert "talks.jsonl" in (tmp_path / "x.html").read_text(encoding="utf-8")
    plain = CliRunner().invoke(app, ["tokens", str(data), *options, "--show", "talks.jsonl:2"])
    assert "talks.jsonl:2: prompt" in plain.stdout
    assert "█" in plain.stdout


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["tok_internlm", "tok_llama2", "tok_minimind", "tok_tinyllm_zh"])
def test_real_tokenizers_show_real_questions(real_data, name):
    from tilth.engine.library import read

    samples = list(read(real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl"))[:40]
    own = name in ("tok_internlm", "tok_minimind")
    found = count_tokens(
        samples, real_data / name, Train(base_model=name), template=None if own else INTERNLM2
    )
    assert found.totals["untrained"] == found.totals["truncated"] == 0
    assert found.totals["trained"] > found.totals["prompt"] > 0
    for shown, sample in zip(found.shown, samples, strict=False):
        learned = "".join(piece.text for piece in shown.pieces if piece.kind == "learned")
        assert sample.answer in learned
        assert sample.question not in learned
