"""What a model folder holds: its tokenizer, its chat template, its weights, and the machine they run on."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import MissingExtra, UserError
from tilth.models.internlm2 import marked
from tilth.models.opened import is_internlm2, open_model
from tilth.models.sentencepiece import added_tokens, find_sentencepiece, load_sentencepiece
from tilth.models.template import INTERNLM2, PLAIN, ChatTemplate, Tokenizer

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

SMALL = 20_000_000
"""Weights below which one thread beats several: they would wait for each other longer than they work, and beside
other busy processes many times longer."""
ENDS = {
    "</s>": "<s>",
    "<|endoftext|>": "",
    "<|end_of_text|>": "<|begin_of_text|>",
    "<eos>": "<bos>",
    "[SEP]": "[CLS]",
}
"""End tokens of common vocabularies, with the token that begins a text there."""
SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


class Hardware(NamedTuple):
    """Where a model runs and in which precision."""

    device: str
    dtype: str
    """The name of a torch dtype."""

    def __str__(self) -> str:
        return f"{self.device}, {self.dtype}"


def need_folder(folder: Path) -> Path:
    """The folder, if it holds a model.

    Raises:
        UserError: it does not exist, or has no config.json.
    """
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder} holds no model: it has no config.json.",
            "Name a folder with config.json, tokenizer.json and *.safetensors.",
        )
    return folder


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder: its tokenizer.json, else its SentencePiece model.

    Raises:
        MissingExtra: the package `tokenizers` is not installed.
        UserError: the folder has neither.
    """
    try:
        from tokenizers import Tokenizer as Loaded
    except ImportError as error:
        raise MissingExtra("counting tokens", "train") from error
    path = folder / "tokenizer.json"
    pieces = None if path.is_file() else find_sentencepiece(folder)
    if pieces is not None:
        made: Tokenizer = load_sentencepiece(pieces, added_tokens(folder))
        return made
    if not path.is_file():
        raise UserError(
            f"{folder} has neither tokenizer.json nor tokenizer.model.",
            "Tilth runs no code from a model folder; save the tokenizer in its fast form first.",
        )
    loaded: Tokenizer = Loaded.from_file(str(path))
    return loaded


def load_template(folder: Path, text: str | None = None) -> ChatTemplate:
    """The chat template of a model folder: its own, InternLM2's where the vocabulary has its role marks, or a plain one.

    A base model brings no template. It gets `PLAIN`, which any vocabulary with an end token can write; `tilth tokens`
    and `tilth train` say so.

    Args:
        folder: with the tokenizer's files.
        text: another template to use instead, with this folder's special tokens.

    Raises:
        UserError: the folder has no template, and its vocabulary no end token.
    """
    config = _read(folder / "tokenizer_config.json")
    named = _read(folder / "special_tokens_map.json") | config
    tokens = {name: _token(named.get(name)) for name in SPECIAL_TOKENS if named.get(name)}
    if text is not None:
        return ChatTemplate(text, tokens)
    text = _template_text(folder, config)
    if text is None:
        tokenizer = load_tokenizer(folder)
        known = (
            tokenizer.token_to_id("<|im_start|>") is not None
            and tokenizer.token_to_id("<|im_end|>") is not None
        )
        if not known:
            named_end = "eos_token" in tokens
            return ChatTemplate(PLAIN, tokens if named_end else {**_ends(folder, tokenizer), **tokens})
        text = INTERNLM2
    template = ChatTemplate(text, tokens)
    return marked(template) if is_internlm2(folder) else template


def load_model(folder: Path, hardware: Hardware, **options: Any) -> PreTrainedModel:
    """The weights of a model folder, from safetensors and without running any code of the folder.

    InternLM2 is loaded from its copy in the Llama layout, which is made where it is missing.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UserError: there are no safetensors, or the architecture is not part of transformers.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise MissingExtra("running a model here", "train") from error
    folder = open_model(need_folder(folder))
    _check_loadable(folder)
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=getattr(torch, hardware.dtype),
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        **({"device_map": hardware.device} if hardware.device != "cpu" else {}),
        **options,
    )
    if hardware.device == "cpu" and model.num_parameters() < SMALL:
        torch.set_num_threads(1)
    return model


def load_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """An adapter over a loaded model; it can be switched off with `disable_adapter`.

    Raises:
        MissingExtra: peft is not installed.
        UserError: the folder holds no adapter in safetensors.
    """
    # peft imports bitsandbytes where it is installed, which then warns of 4-bit kernels that nobody asked for.
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra("an adapter", "train") from error
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(
            f"{folder} holds no adapter: it has no adapter_model.safetensors.",
            "Make one with: tilth train RUN",
        )
    with warnings.catch_warnings():
        # peft asks transformers for a name that transformers has since deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        return PeftModel.from_pretrained(model, folder)


def find_hardware() -> Hardware:
    """The best device here: CUDA in bfloat16 (float16 on older cards), Apple's in float32, else the CPU in float32."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("running a model here", "train") from error
    if torch.cuda.is_available():
        return Hardware("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float16")
    return Hardware("mps" if torch.backends.mps.is_available() else "cpu", "float32")


@lru_cache(maxsize=32)
def _file_digest(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def weights_digest(folder: Path) -> str:
    """16 hex digits over the configuration, tokenizer and weights of a model or adapter folder.

    All bytes count: a merged model has the shapes and the sizes of its base, and other weights.
    """
    digest = hashlib.blake2b(digest_size=8)
    names = ("config.json", "adapter_config.json", "tokenizer.json", "chat_template.jinja", "tokenizer.model")
    weights = [*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]
    paths = [folder / name for name in names] + sorted(weights)
    for path in paths:
        if path.is_file():
            about = path.stat()
            digest.update(f"{path.name}:{_file_digest(path, about.st_size, about.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


def _check_loadable(folder: Path) -> None:
    from transformers import CONFIG_MAPPING

    config = _read(folder / "config.json")
    kind = config.get("model_type")
    if kind not in CONFIG_MAPPING:
        raise UserError(
            f"{folder} is of the type '{kind}', which runs only with code from its own folder, and Tilth runs none.",
            "Convert it to a type that transformers knows, or train it with `backend: xtuner`.",
        )
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder} has no *.safetensors.",
            "Other weight files can run code when they are opened: convert them.",
        )


def has_template(folder: Path) -> bool:
    """Whether a model folder brings a chat template of its own."""
    return _template_text(folder, _read(folder / "tokenizer_config.json")) is not None


def _ends(folder: Path, tokenizer: Tokenizer) -> dict[str, str]:
    """The first known end token of a vocabulary whose folder names none, and the begin token that belongs to it."""
    for end, begin in ENDS.items():
        if tokenizer.token_to_id(end) is not None:
            has_begin = bool(begin) and tokenizer.token_to_id(begin) is not None
            return {"eos_token": end, **({"bos_token": begin} if has_begin else {})}
    raise UserError(
        f"{folder} has no chat template, and its vocabulary has no end token that Tilth knows.",
        "Put the template into the folder as chat_template.jinja.",
    )


def _template_text(folder: Path, config: dict[str, Any]) -> str | None:
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    found = _read(folder / "chat_template.json").get("chat_template") or config.get("chat_template")
    if isinstance(found, list):
        found = next((item["template"] for item in found if item["name"] == "default"), None)
    return found


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _token(value: Any) -> str:
    """A special token's text: configurations write it bare or as an object."""
    return str(value["content"] if isinstance(value, dict) else value)
