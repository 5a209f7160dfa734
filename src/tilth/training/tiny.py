"""`base_model: tiny`: a small language model and its tokenizer, made on the spot from the training side.

`python -m tilth.training.tiny job.json` makes it. Only the training file is ever opened: the validation and test
sides and the compare questions cannot reach it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError, UserError
from tilth.models.template import INTERNLM2
from tilth.store.files import read_json, write_json, write_text
from tilth.training.base import Job
from tilth.training.data import read_data

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

ABOUT_FILE = "tilth.json"
SPECIAL = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
VOCABULARY = 2048
SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 344,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "rope_theta": 1_000_000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
}
"""InternLM2's shape in small: a Llama decoder with grouped key and value heads; not quite a million weights."""
PRETRAINING = {"seed": 42, "steps": 400, "batch": 8, "window": 96, "learning_rate": 3e-3}
README = """\
# A tiny base model

This model was made by Tilth on this machine, from the training side of one run and from nothing else, so that the
whole journey from raw text to a before/after table runs offline in minutes. It has not quite a million weights. It
has seen the training texts as plain text, never as a conversation.

It knows nothing about the world. Use it to see that a pipeline works, not to judge data or to answer anyone.
"""


def main(arguments: list[str]) -> int:
    """Make the base model that a job names; returns an exit code."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    log.setLevel(logging.INFO)
    path = Path(arguments[0])
    job = Job.load(path)
    folder = path.parent
    try:
        samples = read_data(folder / job.train, folder / job.index, job.format)
        texts = ["\n".join(message.content for message in sample.messages) for sample in samples]
        make_tiny(texts, folder / job.base, say=log.info)
    except TilthError as error:
        log.error("%s", error)
        return error.exit_code
    return 0


def make_tiny(texts: Sequence[str], folder: Path, say: Callable[[str], None] = lambda line: None) -> None:
    """Train a tokenizer and a model on plain texts and save both; nothing to do where they are there already.

    The same texts give the same tokenizer, and on one machine the same weights: seed, steps and batch never change,
    and one thread does the work (on matrices this small several would mostly wait for each other).

    Raises:
        UserError: there is no text.
    """
    if not any(text.strip() for text in texts):
        raise UserError("the training side holds no text to make a tiny model from.")
    key = _key(texts)
    about = folder / ABOUT_FILE
    if about.exists() and read_json(about)["key"] == key:
        say("the tiny base model is there already")
        return
    unfinished = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    say(f"making a tiny base model from {len(texts)} training texts")
    tokenizer = train_tokenizer(texts)
    save_tokenizer(tokenizer, unfinished)
    loss = _pretrain(tokenizer, texts, unfinished, say)
    write_text(unfinished / "README.md", README)
    write_json(unfinished / ABOUT_FILE, {"what": "tiny", "key": key, "loss": loss} | PRETRAINING)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def train_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """A byte-level BPE tokenizer (Wang et al. 2019, arXiv 1909.03341) of at most 2,048 tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=2,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _key(texts: Sequence[str]) -> str:
    recipe = json.dumps([SPECIAL, VOCABULARY, SHAPE, PRETRAINING, list(texts)], ensure_ascii=False)
    return hashlib.blake2b(recipe.encode(), digest_size=8).hexdigest()


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the tokenizer into a model folder, with its special tokens and the InternLM2 template."""
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template=INTERNLM2,
    ).save_pretrained(folder)


def _pretrain(tokenizer: Tokenizer, texts: Sequence[str], folder: Path, say: Callable[[str], None]) -> float:
    """Plain language modelling on windows of the texts laid end to end; returns the last loss."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(1)
    ends = {name: tokenizer.token_to_id(name) for name in ("<s>", "</s>", "<|im_end|>")}
    torch.manual_seed(PRETRAINING["seed"])
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        bos_token_id=ends["<s>"],
        eos_token_id=[ends["</s>"], ends["<|im_end|>"]],
        **SHAPE,
    )
    model = LlamaForCausalLM(config)
    stream = torch.tensor(
        [i for text in texts for i in (ends["<s>"], *tokenizer.encode(text).ids, ends["</s>"])]
    )
    loss = _train(model, stream, say)
    model.save_pretrained(folder)
    return loss


def _train(model: Any, stream: torch.Tensor, say: Callable[[str], None]) -> float:
    import torch

    steps, batch = int(PRETRAINING["steps"]), int(PRETRAINING["batch"])
    window = min(int(PRETRAINING["window"]), len(stream) - 1)
    rate = PRETRAINING["learning_rate"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.05, cycle_momentum=False
    )
    generator = torch.Generator().manual_seed(int(PRETRAINING["seed"]))
    loss = torch.zeros(())
    for step in range(1, steps + 1):
        starts = torch.randint(0, len(stream) - window, (batch, 1), generator=generator)
        ids = stream[starts + torch.arange(window)]
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % (steps // 10) == 0:
            say(f"tiny base: step {step}/{steps} loss {loss.item():.4f}")
    return round(float(loss.detach()), 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
