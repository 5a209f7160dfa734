"""SentencePiece models as fast tokenizers: the ids are those of SentencePiece itself."""

from __future__ import annotations

import io
import json
import random

import pytest

from tilth.errors import UserError
from tilth.models.loader import load_template, load_tokenizer
from tilth.models.sentencepiece import (
    added_tokens,
    find_sentencepiece,
    load_sentencepiece,
    read_sentencepiece,
)
from tilth.sample import Message

tokenizers = pytest.importorskip("tokenizers")
sentencepiece = pytest.importorskip("sentencepiece")

LINES = [
    "水和冰都会结冰吗？水会，冰已经是了。哈哈哈哈",
    "今天天气很好，我们去公园吧。  two  spaces",
    "def f(a, b):\n        return a + b",
    "The quick brown fox jumps over 0.1.17 lazy dogs.",
] * 4
SETTINGS = {
    "like InternLM2": {
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "user_defined_symbols": ["[SLOT_1]", "ＡＢ"],
    },
    "like Llama 2": {"add_dummy_prefix": True, "remove_extra_whitespaces": False},
    "SentencePiece's own": {"add_dummy_prefix": True, "remove_extra_whitespaces": True},
    "with a table of characters": {"normalization_rule_name": "nmt_nfkc"},
}


def train_model(path, **settings):
    sink = io.BytesIO()
    plain = {"model_type": "bpe", "vocab_size": 420, "byte_fallback": True, "minloglevel": 2}
    plain |= {"normalization_rule_name": "identity"}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=sink, **plain | settings
    )
    path.write_bytes(sink.getvalue())
    return path


def fuzz(pieces, count, seed=0):
    """Texts of pieces, runs of spaces and of one character, line feeds, and characters of every plane."""
    draw = random.Random(seed)
    planes = [(32, 126), (0x4E00, 0x9FFF), (0x80, 0xD7FF), (0x1F300, 0x1FAFF), (0xE000, 0xFFFF), (0, 31)]
    kinds = [
        lambda: draw.choice(pieces),
        lambda: " " * draw.randint(1, 9),
        lambda: draw.choice("\n\t\r\u3000 ") * draw.randint(1, 5),
        lambda: chr(draw.randint(*draw.choice(planes))),
        lambda: draw.choice("哈啊0123456789aA=-_.!?…") * draw.randint(1, 20),
    ]
    for _ in range(count):
        yield "".join(draw.choice(kinds)() for _ in range(draw.randint(1, 30)))


def plain_pieces(processor):
    ids = range(processor.vocab_size())
    texts = [
        processor.id_to_piece(i) for i in ids if not (processor.is_control(i) or processor.is_unknown(i))
    ]
    return [text.replace("▁", " ") for text in texts if not text.startswith(("<0x", "[UNUSED"))]


def differing(path, texts, added=None):
    """The texts whose ids differ, and how many were compared."""
    ours, theirs = (
        load_sentencepiece(path, added),
        sentencepiece.SentencePieceProcessor(model_file=str(path)),
    )
    texts = list(texts)
    return [t for t in texts if ours.encode(t, add_special_tokens=False).ids != theirs.encode(t)], len(texts)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_ids_equal_those_of_sentencepiece(tmp_path, settings):
    path = train_model(tmp_path / "tokenizer.model", **settings)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    assert differing(path, [*LINES, *fuzz(plain_pieces(processor), 500)]) == ([], 516)


def test_what_is_encoded_decodes_again(tmp_path):
    path = train_model(tmp_path / "tokenizer.model", **SETTINGS["like InternLM2"])
    tokenizer = load_sentencepiece(path)
    for text in (*LINES, "  未见过的字：龘𠮷 🎉"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_an_added_token_takes_the_slot_of_an_unused_piece(tmp_path):
    path = train_model(tmp_path / "tokenizer.model", **SETTINGS["like InternLM2"])
    slot = next(k for k, piece in enumerate(read_sentencepiece(path).pieces) if piece.text == "[SLOT_1]")
    listed = {str(slot): {"content": "<|im_start|>"}, "420": {"content": "<|im_end|>"}}
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"added_tokens_decoder": listed}), encoding="utf-8"
    )
    tokenizer = load_tokenizer(tmp_path)
    ids = tokenizer.encode("<|im_start|>水<|im_end|>", add_special_tokens=False).ids
    assert (ids[0], ids[-1]) == (slot, 420)
    assert slot not in tokenizer.encode("[SLOT_1]", add_special_tokens=False).ids


def test_offsets_are_those_of_the_characters(tmp_path):
    path = train_model(tmp_path / "tokenizer.model", **SETTINGS["like InternLM2"])
    text = "水 𠮷<s>好"
    offsets = load_sentencepiece(path).encode(text, add_special_tokens=False).offsets
    assert {text[start:end] for start, end in offsets} >= {"𠮷", "<s>"}


def test_an_added_token_behind_a_gap_is_refused(tmp_path):
    path = train_model(tmp_path / "tokenizer.model")
    with pytest.raises(UserError, match="gives <x> the id 999"):
        load_sentencepiece(path, {999: "<x>"})


@pytest.mark.parametrize("data", [b"", b"not a model at all", b"\x0a\x03\x0a\x01"])
def test_a_foreign_file_is_refused(tmp_path, data):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(data)
    with pytest.raises(UserError, match="no SentencePiece model"):
        read_sentencepiece(path)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"model_type": "unigram", "vocab_size": 325, "hard_vocab_limit": False}, "not made by merging"),
        ({"treat_whitespace_as_suffix": True}, "ends of words"),
        ({"user_defined_symbols": ["ＡＢ"]}, "pieces of its user"),
    ],
)
def test_another_kind_of_model_is_refused(tmp_path, settings, why):
    path = train_model(tmp_path / "tokenizer.model", **settings)
    with pytest.raises(UserError, match=why):
        read_sentencepiece(path)


def tutorial_texts(real_data):
    lines = (real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [text for row in rows for text in (row["instruction"], row["output"])]


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["tok_internlm", "tok_llama2", "tok_tinyllm_zh"])
def test_real_tokenizers_on_the_tutorial_and_on_a_fuzz_corpus(real_data, name):
    path = find_sentencepiece(real_data / name)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    texts = tutorial_texts(real_data)
    assert len(texts) == 480
    corpus = [*texts, *fuzz(plain_pieces(processor), 2000)]
    assert differing(path, corpus, added_tokens(real_data / name)) == ([], 2480)


@pytest.mark.real_data
def test_internlm2_finds_its_role_marks(real_data):
    folder = real_data / "tok_internlm"
    tokenizer, template = load_tokenizer(folder), load_template(folder)
    ids, trained = template.encode(
        tokenizer, [Message(role="user", content="你好"), Message(role="assistant", content="你好！")]
    )
    assert ids[:2] == [1, 92543]
    assert [i for i, mark in zip(ids, trained, strict=True) if mark][-1] == 92542
