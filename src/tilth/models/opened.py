"""The folder a model is loaded from: its own, or for InternLM2 one in the Llama layout that is made once.

InternLM2's architecture is no part of transformers, and Tilth runs no code from a model folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from tilth.errors import FolderError, MissingExtra, UserError
from tilth.models.internlm2 import (
    MODEL_TYPE,
    Layout,
    expected_shapes,
    llama_config,
    read_layout,
    to_llama,
)
from tilth.models.sentencepiece import added_tokens, find_sentencepiece, load_sentencepiece
from tilth.models.template import ChatTemplate

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

ABOUT_FILE = "tilth.json"
WHAT = "llama layout"
VERSION = 1
"""Goes up when the same checkpoint would be written differently."""
SUFFIX = "-llama"
BUFFERS = (".rotary_emb.inv_freq",)
"""What some checkpoints hold beside weights: computed again from the configuration."""


class Converted(NamedTuple):
    """A model folder in the Llama layout."""

    path: Path
    made: bool
    """False where it was there already."""


def is_internlm2(folder: Path) -> bool:
    """Whether a folder's configuration names InternLM2's architecture."""
    path = folder / "config.json"
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("model_type") == MODEL_TYPE)


def open_model(folder: Path, say: Callable[[str], None] = log.info) -> Path:
    """The folder itself, or for InternLM2 its counterpart in the Llama layout, made at the first call.

    The counterpart lies beside the folder, under its name with `-llama`, or in the folder that TILTH_CACHE names.

    Raises:
        MissingExtra: torch is not installed.
        UserError: the checkpoint is not what its configuration says, is there as pickles only, or cannot be
            written beside its folder.
    """
    if not is_internlm2(folder):
        return folder
    return convert_internlm2(folder, counterpart(folder), say=say).path


def counterpart(folder: Path) -> Path:
    """Where the Llama layout of an InternLM2 folder is kept."""
    folder = folder.resolve()
    cache = os.environ.get("TILTH_CACHE")
    return (Path(cache) if cache else folder.parent) / f"{folder.name}{SUFFIX}"


def convert_internlm2(
    folder: Path, out: Path, *, allow_bin: bool = False, say: Callable[[str], None] = log.info
) -> Converted:
    """Write an InternLM2 checkpoint in the Llama layout; nothing to do where it is there already.

    One file of weights is in memory at a time. The folder appears whole or not at all.

    Args:
        folder: `config.json`, `tokenizer.model` or `tokenizer.json`, and weights.
        out: the folder to write.
        allow_bin: also read `pytorch_model*.bin`, through torch's reader that runs nothing they hold.
        say: is told before the work begins.

    Raises:
        FolderError: `out` exists and is something else.
        UserError: as `open_model`.
    """
    key = _key(folder)
    if out.exists():
        about = out / ABOUT_FILE
        found = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
        if found.get("what") != WHAT:
            raise FolderError(
                f"{out} exists and is no converted model of ours.",
                "Name another folder: tilth convert MODEL --to llama -o DIR; or set TILTH_CACHE.",
            )
        if found["key"] == key:
            return Converted(out, False)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = _weight_files(folder, allow_bin)
    say(f"writing {folder} in the Llama layout to {out} (once)")
    unfinished = out.with_name(f".{out.name}.{uuid4().hex[:8]}.tmp")
    try:
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise UserError(
            f"{folder} is InternLM2's and is read through a copy in the Llama layout, which cannot be written to "
            f"{out}: {error.strerror}.",
            "Set TILTH_CACHE to a folder that can be written.",
        ) from error
    try:
        _write_weights(folder, weights, read_layout(config), unfinished)
        _write_companions(folder, config, unfinished)
        _write_json(unfinished / ABOUT_FILE, {"what": WHAT, "source": folder.name, "key": key})
        _swap(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Converted(out, True)


def _swap(unfinished: Path, out: Path) -> None:
    """Put the finished folder in place. Where another process was faster its folder stays: it holds the same."""
    old = out.with_name(f"{unfinished.name}.old")
    if out.exists():
        out.rename(old)
    try:
        unfinished.rename(out)
    except OSError:
        if not (out / ABOUT_FILE).is_file():
            raise
    shutil.rmtree(old, ignore_errors=True)


def _key(folder: Path) -> str:
    """A digest of names, sizes and times of what is converted; reading all weights would take as long as converting."""
    digest = hashlib.blake2b(f"{VERSION}\n".encode(), digest_size=8)
    patterns = ("config.json", "generation_config.json", "tokenizer*", "*.model", "added_tokens.json")
    templates = ("chat_template*", "special_tokens_map.json", "*.safetensors", "pytorch_model*.bin")
    for path in sorted({path for pattern in (*patterns, *templates) for path in folder.glob(pattern)}):
        about = path.stat()
        digest.update(f"{path.name}:{about.st_size}:{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _weight_files(folder: Path, allow_bin: bool) -> list[Path]:
    safe, pickles = sorted(folder.glob("*.safetensors")), sorted(folder.glob("pytorch_model*.bin"))
    if safe or (pickles and allow_bin):
        return safe or pickles
    if pickles:
        raise UserError(
            f"{folder} has its weights as *.bin only. Such files can run code when they are opened.",
            f"If you trust them, convert them once: tilth convert {folder} --to llama --allow-bin",
        )
    raise UserError(f"{folder} has no weights: neither *.safetensors nor pytorch_model*.bin.")


def _tensors(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of one file, one by one."""
    try:
        import torch
        from safetensors import safe_open
    except ImportError as error:
        raise MissingExtra("converting a model", "train") from error
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118  it is no dict
                yield name, opened.get_tensor(name)
        return
    from pickle import UnpicklingError

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (UnpicklingError, RuntimeError) as error:
        raise UserError(f"{path} holds more than tensors, or is no torch file: {error}") from error
    yield from loaded.items()


def _write_weights(folder: Path, files: list[Path], layout: Layout, out: Path) -> None:
    """Each file of weights as one of ours, and the index that lists them."""
    from safetensors.torch import save_file

    expected = expected_shapes(layout)
    seen: set[str] = set()
    index: dict[str, str] = {}
    total = 0
    for k, path in enumerate(files, 1):
        single = len(files) == 1
        name = "model.safetensors" if single else f"model-{k:05d}-of-{len(files):05d}.safetensors"
        weights: dict[str, torch.Tensor] = {}
        for source, tensor in _tensors(path):
            if source.endswith(BUFFERS):
                continue
            _check_shape(folder, source, tuple(tensor.shape), expected)
            seen.add(source)
            if source == "output.weight" and layout.tied:
                continue
            for target, part in to_llama(source, tensor, layout):
                weights[target] = part.contiguous()
        save_file(weights, out / name, metadata={"format": "pt"})
        index |= dict.fromkeys(weights, name)
        total += sum(part.nbytes for part in weights.values())
    missing = sorted(expected.keys() - seen - ({"output.weight"} if layout.tied else set()))
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing)} of the {len(expected)} weights its config.json asks for, first {missing[0]}.",
            "Copy or download the folder again.",
        )
    if len(files) > 1:
        _write_json(
            out / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": index}
        )


def _check_shape(
    folder: Path, name: str, shape: tuple[int, ...], expected: Mapping[str, tuple[int, ...]]
) -> None:
    if name not in expected:
        raise UserError(
            f"{folder} holds {name}, which is no weight of an InternLM2 language model with this config.json.",
            "Reward models, classifiers and quantized checkpoints cannot be converted.",
        )
    if shape != expected[name]:
        raise UserError(
            f"{folder}: {name} has the shape {list(shape)}, and config.json asks for {list(expected[name])}."
        )


def _write_companions(folder: Path, config: Mapping[str, Any], out: Path) -> None:
    """Configuration, tokenizer and template of the converted model."""
    # Not above: the loader opens every folder through this module.
    from tilth.models.loader import load_template

    _write_json(out / "config.json", llama_config(config))
    template = load_template(folder)
    (out / "chat_template.jinja").write_text(template.text, encoding="utf-8")
    tokenizer = _tokenizer(folder, template)
    tokenizer.save(str(out / "tokenizer.json"))
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.get("max_position_embeddings", 2048),
        **template.tokens,
    }
    _write_json(out / "tokenizer_config.json", about)
    ends = {config.get("eos_token_id"), template.end_of_turn(tokenizer)} - {None}
    _write_json(
        out / "generation_config.json",
        {"bos_token_id": config.get("bos_token_id"), "eos_token_id": sorted(_flat(ends))}
        | {"pad_token_id": config.get("pad_token_id")},
    )


def _tokenizer(folder: Path, template: ChatTemplate) -> Any:
    """The fast tokenizer, which like the original writes `<s>` before a text where it is asked for special tokens."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    own, pieces = folder / "tokenizer.json", find_sentencepiece(folder)
    if own.is_file():
        return Tokenizer.from_file(str(own))
    if pieces is None:
        raise UserError(f"{folder} has neither tokenizer.json nor tokenizer.model.")
    tokenizer = load_sentencepiece(pieces, added_tokens(folder))
    begin = template.tokens.get("bos_token")
    if begin is not None:
        tokenizer.post_processor = TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    return tokenizer


def _flat(values: set[Any]) -> set[int]:
    return {i for value in values for i in (value if isinstance(value, list) else [value])}


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
