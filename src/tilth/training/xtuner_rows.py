"""What XTuner 0.1.17 sees of a sample: it encodes question, answer and line feed apart, where others encode the whole.

The ids differ where a token would reach over such a seam, for example where an answer begins with a line feed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tilth.errors import FormatError
from tilth.formats.rounds import rounds
from tilth.models.template import Tokenizer
from tilth.sample import Sample
from tilth.training.rows import Row, batches

SYSTEM = "<|im_start|>system\n{}<|im_end|>\n"
QUESTION = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
ANSWER = "{}<|im_end|>"
SEPARATOR = "\n"


def xtuner_encoded(
    samples: Iterable[Sample], begin: int, tokenizer: Tokenizer, max_length: int
) -> Iterator[Row]:
    """Each sample as `process_hf_dataset` hands it to the trainer, with `internlm2_chat` and before packing.

    Args:
        samples: in data order.
        begin: the id that begins a conversation; it is written once.
        tokenizer: the base model's.
        max_length: a longer sample loses its end.
    """
    for batch in batches(samples):
        parts = [_parts(sample) for sample in batch]
        texts = [text for found in parts if not isinstance(found, FormatError) for text, _ in found]
        encodings = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
        for sample, found in zip(batch, parts, strict=True):
            if isinstance(found, FormatError):
                yield Row(sample, [], [], 0, str(found))
                continue
            ids, trained = [begin], [0]
            for _, mark in found:
                piece = next(encodings).ids
                ids += piece
                trained += [mark] * len(piece)
            yield Row(sample, ids[:max_length], trained[:max_length], len(ids))


def _parts(sample: Sample) -> list[tuple[str, int]] | FormatError:
    """The texts that are encoded apart, and whether each is trained."""
    try:
        triples = rounds(sample, "xtuner", systems=True)
    except FormatError as error:
        return error
    found = []
    for system, question, answer in triples:
        before = SYSTEM.format(system) if system else ""
        found += [(before + QUESTION.format(question), 0), (ANSWER.format(answer), 1), (SEPARATOR, 0)]
    return found
