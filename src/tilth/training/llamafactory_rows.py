"""What LLaMA-Factory 0.9.5 sees of a sample with the template `intern2`: it cuts question and answer alike.

It drops no sample for its length: where one is too long, question and answer each lose their end in proportion. It
also learns the line feed after an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tilth.errors import FormatError
from tilth.formats.rounds import Triple, rounds
from tilth.models.template import ChatTemplate, Tokenizer
from tilth.sample import Sample
from tilth.training.rows import Row, encoded
from tilth.training.xtuner_rows import ANSWER, QUESTION, SEPARATOR, SYSTEM


def llamafactory_encoded(
    samples: Iterable[Sample], template: ChatTemplate, begin: int, tokenizer: Tokenizer, max_length: int
) -> Iterator[Row]:
    """Each sample as its supervised processor hands it to the trainer, before packing.

    Args:
        samples: in data order.
        template: InternLM2's; it counts what has other turns than question and answer, where the ids are estimated.
        begin: the id that begins a conversation.
        tokenizer: the base model's.
        max_length: `cutoff_len`.
    """
    for sample in samples:
        try:
            triples = rounds(sample, "llamafactory")
        except FormatError:
            yield from encoded([sample], template, tokenizer, max_length)
            continue
        yield _row(sample, triples, begin, tokenizer, max_length)


def _row(sample: Sample, triples: list[Triple], begin: int, tokenizer: Tokenizer, max_length: int) -> Row:
    ids: list[int] = []
    trained: list[int] = []
    whole = 0
    for k, (system, question, answer) in enumerate(triples):
        asked = (SYSTEM.format(system) if system else "") + QUESTION.format(question)
        source = ([] if k else [begin]) + tokenizer.encode(asked, add_special_tokens=False).ids
        target = tokenizer.encode(ANSWER.format(answer) + SEPARATOR, add_special_tokens=False).ids
        whole += len(source) + len(target)
        if len(ids) >= max_length:
            continue
        kept, learned = _shares(len(source), len(target), max_length - len(ids))
        ids += source[:kept] + target[:learned]
        trained += [0] * min(kept, len(source)) + [1] * min(learned, len(target))
    return Row(sample, ids, trained, whole)


def _shares(source: int, target: int, limit: int) -> tuple[int, int]:
    """How many tokens of question and answer are kept: the shorter one whole where it takes less than half."""
    if target * 2 < limit:
        most = limit
    elif source * 2 < limit:
        most = limit - source
    else:
        most = int(limit * (target / (source + target)))
    learned = min(most, target)
    return min(max(limit - learned, 0), source), learned
