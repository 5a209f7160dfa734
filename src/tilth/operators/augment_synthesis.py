"""Write samples that were not there: new tasks after an example, harder questions, questions about a document."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from tilth.models.base import AsyncChatModel
from tilth.operators import augment_gates as gates
from tilth.operators.augment_gates import Count, Share
from tilth.operators.augment_made import new_round, one_round, signals_of
from tilth.operators.base import operator
from tilth.operators.prompts import Fenced, Language, ask, held, language_of, part, prompt
from tilth.sample import Drop, Hold, Made, Sample

Way = Literal["seeded", "deeper", "constrained", "concrete", "reasoning", "broader"]
WAYS: tuple[Way, ...] = ("deeper", "constrained", "concrete", "reasoning", "broader")


class Task(msgspec.Struct, frozen=True):
    """A question and its answer."""

    question: str
    answer: str


class Tasks(msgspec.Struct, frozen=True):
    """Several of them."""

    tasks: list[Task]


class Grounded(msgspec.Struct, frozen=True):
    """A question about a text, its answer, and the words of the text that the answer rests on."""

    quote: str
    question: str
    answer: str


class Reading(msgspec.Struct, frozen=True):
    """What can be asked about a text; nothing, where it says nothing worth asking."""

    pairs: list[Grounded]


@operator("augment.self_instruct", prompts=("self_instruct",))
async def self_instruct(
    sample: Sample,
    *,
    model: AsyncChatModel,
    n: Count = 2,
    max_similarity: Share = 0.6,
    language: Language = "auto",
) -> Sample | Hold | list[Sample | Made]:
    """Write new questions of the same kind, each with its answer, after the example of a sample.

    After Wang et al. 2022, "Self-Instruct" (arXiv 2212.10560), with one sample as the seed. A question that is nearly
    the example or an earlier one is dropped as `augmented_copy`; what repeats another sample's is for `dedup.near`.

    Args:
        sample: the example; it goes on beside what is made of it.
        model: who writes.
        n: samples to ask for.
        max_similarity: the Jaccard index of 3-grams from which on a question is a copy.
        language: the language of the prompt.
    """
    if not one_round(sample):
        return sample
    values = {"question": Fenced(sample.question), "answer": Fenced(sample.answer), "n": str(n)}
    reply = await ask(model, prompt("self_instruct", language, values), Tasks)
    if reply.state != "done":
        return held(model, reply)
    made: list[Made] = []
    seen = [(sample.place, sample.question)]
    for k, task in enumerate(reply.data.tasks[:n]):
        drop = gates.unusable(task.question, task.answer) or gates.copied(task.question, seen, max_similarity)
        seen += [] if drop else [(f"#{k}", task.question)]
        made.append(Made(new_round(sample, task.question, task.answer), signals_of(model.name), drop))
    return [sample, *made]


@operator("augment.evolve", prompts=("evolve",))
async def evolve(
    sample: Sample,
    *,
    model: AsyncChatModel,
    way: Way = "seeded",
    seed: int = 42,
    answer: bool = True,
    max_similarity: Share = 0.9,
    language: Language = "auto",
) -> Sample | Hold | list[Sample | Made]:
    """Write a harder or a broader question from a sample's, and let the model answer it.

    After Xu et al. 2023, "WizardLM" (arXiv 2304.12244): deeper, with a constraint, more concrete, with more steps of
    reasoning, or a rarer question of the same field. An evolution that changed nothing is dropped as `augmented_copy`.

    Args:
        sample: the source; it goes on beside what is made of it.
        model: who writes and answers.
        way: how to evolve; `seeded` draws one of the five for each sample.
        seed: of that draw.
        answer: whether the model also answers; else the made sample is a question, for `annotate.draft_answer`.
        max_similarity: the Jaccard index of 3-grams from which on nothing counts as changed.
        language: the language of the prompt.
    """
    if not one_round(sample):
        return sample
    chosen = way if way != "seeded" else _drawn(sample, seed)
    spoken = language if language != "auto" else language_of(sample.question)
    values = {"question": Fenced(sample.question), "way": part("evolve", spoken, "ways", chosen)}
    reply = await ask(model, prompt("evolve", spoken, values))
    if reply.state != "done":
        return held(model, reply)
    question = reply.text.strip()
    drop = gates.unusable(question) or gates.copied(
        question, [(sample.place, sample.question)], max_similarity
    )
    said = None
    if answer and drop is None:
        reply = await ask(model, new_round(sample, question, None))
        if reply.state != "done":
            return held(model, reply)
        said = reply.text.strip()
        drop = gates.unusable(question, said)
    return [sample, Made(new_round(sample, question, said), signals_of(model.name, way=chosen), drop)]


@operator("augment.qa_from_text", prompts=("qa_from_text",))
async def qa_from_text(
    sample: Sample,
    *,
    model: AsyncChatModel,
    n: Count = 3,
    max_chars: int = 4000,
    max_similarity: Share = 0.7,
    language: Language = "auto",
) -> Sample | Drop | Hold | list[Sample | Made]:
    """Turn a document into questions and answers that its own words support; the document is used up.

    Each answer names the words it rests on, and is dropped as `quote_not_in_text` where they do not stand in the
    document. A document is a sample with one user message and no answer, as the format `text` reads it; others go on.

    Args:
        sample: the document; it is dropped as `used_as_source`, or as `nothing_to_ask`.
        model: who writes.
        n: pairs to ask for, for each piece.
        max_chars: characters of a piece; a longer document is cut at the ends of its paragraphs.
        max_similarity: the Jaccard index of 3-grams from which on a question is a copy of an earlier one.
        language: the language of the prompt.
    """
    if [m.role for m in sample.messages if m.role != "system"] != ["user"]:
        return sample
    made: list[Made] = []
    seen: list[tuple[str, str]] = []
    for number, piece in enumerate(pieces(sample.question, max_chars)):
        values = {"text": Fenced(piece), "n": str(n)}
        reply = await ask(model, prompt("qa_from_text", language, values), Reading)
        if reply.state != "done":
            return held(model, reply)
        for pair in reply.data.pairs[:n]:
            drop = gates.unusable(pair.question, pair.answer) or gates.quoted(pair.quote, piece)
            drop = drop or gates.copied(pair.question, seen, max_similarity)
            seen += [] if drop else [(f"#{len(made)}", pair.question)]
            evidence = signals_of(model.name, quote=pair.quote, piece=number)
            made.append(Made(new_round(sample, pair.question, pair.answer), evidence, drop))
    return [*made] if made else Drop("nothing_to_ask", {"model": model.name})


def pieces(text: str, most: int) -> list[str]:
    """A text in pieces of at most `most` characters, cut after a paragraph, else a line, else a sentence, else anywhere."""
    found: list[str] = []
    while len(text) > most:
        ends = (text.rfind(mark, 0, most) + len(mark) for mark in ("\n\n", "\n", "。", "！", "？", ". "))
        end = next((end for end in ends if end > most // 2), most)
        found.append(text[:end])
        text = text[end:]
    return [piece for piece in [*found, text] if piece.strip()]


def _drawn(sample: Sample, seed: int) -> Way:
    digest = blake2b(f"{seed}:{sample.id}".encode(), digest_size=4).digest()
    return WAYS[int.from_bytes(digest, "big") % len(WAYS)]
