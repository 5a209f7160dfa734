"""A SentencePiece model as a fast tokenizer: the same ids, without the library that trained it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import MissingExtra, UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BPE = 2
"""`TrainerSpec.model_type`."""
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""`SentencePiece.type`."""
SPACE = "▁"


class Piece(NamedTuple):
    """One entry of the vocabulary; its id is its place."""

    text: str
    score: float
    """Higher is merged earlier."""
    kind: int


class SentencePiece(NamedTuple):
    """What a `.model` file says (the messages of sentencepiece_model.proto, as far as they decide ids)."""

    pieces: tuple[Piece, ...]
    dummy_prefix: bool
    """Whether a text is read as if a space stood before it."""
    squeeze_spaces: bool
    charsmap: bytes
    """Characters and what is read for them; empty where a text is read as it is."""


def find_sentencepiece(folder: Path) -> Path | None:
    """The SentencePiece model of a folder: `tokenizer.model`, or the only `*.model` in it."""
    own = folder / "tokenizer.model"
    if own.is_file():
        return own
    others = sorted(folder.glob("*.model"))
    return others[0] if len(others) == 1 else None


def read_sentencepiece(path: Path) -> SentencePiece:
    """Read a `.model` file.

    Raises:
        UserError: it is none, or its pieces are not made by merging (BPE).
    """
    pieces: list[Piece] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    try:
        for field, value in _fields(path.read_bytes()):
            if field == 1:
                piece = dict(_fields(value))
                (score,) = struct.unpack("<f", piece.get(2, b"\0\0\0\0"))
                pieces.append(Piece(piece[1].decode(), score, piece.get(3, NORMAL)))
            elif field == 2:
                trainer = dict(_fields(value))
            elif field == 3:
                normalizer = dict(_fields(value))
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, struct.error) as error:
        raise UserError(f"{path} is no SentencePiece model.") from error
    if not pieces:
        raise UserError(f"{path} is no SentencePiece model.")
    found = SentencePiece(
        tuple(pieces), bool(normalizer.get(3, 1)), bool(normalizer.get(4, 1)), normalizer.get(2, b"")
    )
    _check_kind(path, found, trainer, normalizer)
    return found


def _check_kind(
    path: Path, model: SentencePiece, trainer: Mapping[int, Any], normalizer: Mapping[int, Any]
) -> None:
    """Refuse what a fast tokenizer would not repeat id by id."""
    kinds = {piece.kind for piece in model.pieces}
    changed = model.dummy_prefix or model.squeeze_spaces or model.charsmap
    strange = {
        "its pieces are not made by merging (BPE)": trainer.get(3, 1) != BPE,
        "it marks the ends of words": trainer.get(24, 0),
        "it leaves spaces as they are": not normalizer.get(5, 1),
        "it has unused pieces": UNUSED in kinds,
        "it has pieces of its user and changes the text around them": USER_DEFINED in kinds and changed,
    }
    why = next((reason for reason, is_so in strange.items() if is_so), None)
    if why is not None:
        raise UserError(
            f"{path} is a SentencePiece model of a kind Tilth does not read: {why}.",
            "Save the tokenizer as tokenizer.json with the library its maker names.",
        )


def load_sentencepiece(path: Path, added: Mapping[int, str] | None = None) -> Tokenizer:
    """The fast tokenizer that gives the ids SentencePiece gives.

    Each merge of two pieces ranks as the score of the piece it makes (Kudo and Richardson 2018, arXiv 1808.06226).
    Where two merges of one score overlap in a text, the two could differ; no such text is known.

    Args:
        path: the `.model` file.
        added: special tokens by id, as `tokenizer_config.json` lists them. One that takes the slot of an unused
            piece replaces it: the piece's own text is then read as any other text and is no way to the special token.

    Raises:
        MissingExtra: the package `tokenizers` is not installed.
        UserError: the file is not readable, or the added tokens leave a gap behind the vocabulary.
    """
    try:
        from tokenizers import AddedToken, Tokenizer, decoders, models
    except ImportError as error:
        raise MissingExtra("counting tokens", "train") from error
    model = read_sentencepiece(path)
    added = added or {}
    names = [added.get(k, _name(k, piece)) for k, piece in enumerate(model.pieces)]
    unknown = next((names[k] for k, piece in enumerate(model.pieces) if piece.kind == UNKNOWN), None)
    tokenizer = Tokenizer(
        models.BPE(
            vocab={name: k for k, name in enumerate(names)},
            merges=list(_merges(model.pieces, added)),
            unk_token=unknown,
            fuse_unk=True,
            byte_fallback=any(piece.kind == BYTE for piece in model.pieces),
        )
    )
    _set_normalizer(tokenizer, model)
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(
        [*steps, decoders.Strip(" ", 1, 0)] if model.dummy_prefix else steps
    )
    special = {
        k: piece.text for k, piece in enumerate(model.pieces) if piece.kind in (UNKNOWN, CONTROL)
    } | dict(added)
    tokenizer.add_special_tokens(
        [AddedToken(special[k], normalized=False, special=True) for k in sorted(special)]
    )
    tokenizer.add_tokens(
        [
            AddedToken(piece.text, normalized=False)
            for k, piece in enumerate(model.pieces)
            if piece.kind == USER_DEFINED and k not in added
        ]
    )
    for k, name in added.items():
        if tokenizer.token_to_id(name) != k:
            raise UserError(
                f"{path.parent / 'tokenizer_config.json'} gives {name} the id {k}, which is not free."
            )
    return tokenizer


def added_tokens(folder: Path) -> dict[int, str]:
    """The special tokens a folder adds to its SentencePiece model, by id."""
    found: dict[int, str] = {}
    for name in ("added_tokens.json", "tokenizer_config.json"):
        path = folder / name
        if not path.is_file():
            continue
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if name == "added_tokens.json":
            found |= {int(k): token for token, k in record.items()}
        else:
            found |= {int(k): token["content"] for k, token in record.get("added_tokens_decoder", {}).items()}
    return found


def _name(k: int, piece: Piece) -> str:
    """A piece's text. SentencePiece never gives out the null character as a piece, only as a byte."""
    return f"<null:{k}>" if piece.text == "\0" else piece.text


def _merges(pieces: tuple[Piece, ...], added: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Every way to make a piece of two others, best piece first."""
    known = {
        piece.text: k
        for k, piece in enumerate(pieces)
        if piece.kind in (NORMAL, USER_DEFINED) and k not in added
    }
    ranked = sorted((k for k in known.values() if len(pieces[k].text) > 1), key=lambda k: -pieces[k].score)
    for k in ranked:
        text = pieces[k].text
        splits = [(text[:i], text[i:]) for i in range(1, len(text))]
        found = [(left, right) for left, right in splits if left in known and right in known]
        yield from sorted(found, key=lambda pair: (known[pair[0]], known[pair[1]]))


def _set_normalizer(tokenizer: Any, model: SentencePiece) -> None:
    """What happens to a text before it is cut; between special tokens each piece of it is a text of its own."""
    from tokenizers import Regex, normalizers

    steps: list[Any] = [normalizers.Precompiled(model.charsmap)] if model.charsmap else []
    if model.squeeze_spaces:
        steps += [normalizers.Replace(Regex(r"\A +| +\z"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if model.dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of one protobuf message: number and value (varints as integers, everything else as bytes)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            if wire != 2:
                raise ValueError(f"wire type {wire}")
            size, at = _varint(data, at)
        if at + size > len(data):
            raise ValueError("cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
