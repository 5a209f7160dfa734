"""Cases and decisions as LabelLLM writes them: tasks to import there, and what its people answered back as decisions.

Lines have the shape of LabelLLM v1.0.6: `questionnaire_id, prompt, conversation_id, conversation, reference_evaluation,
custom` go in; with `data_id, source_data_id, result_id, status, evaluation` they come out ("data"), and with
`data_id, questionnaire_id, creator_id, create_time, submit_time, evaluation, status` as answers of single people
("records"). The form (`FORM`) is what its task needs; its answers are texts: `verdict, harmless, honest, helpful,
answer, note`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from tilth.errors import FormatError
from tilth.formats.labelllm import write
from tilth.review.cases import Case, Cases
from tilth.review.intake import decision
from tilth.review.judged import HS, judgements
from tilth.sample import Message, Sample
from tilth.store.decisions import VERDICTS, Event

_WORDS = {
    "verdict": "这条数据怎样处理 / What shall become of it",
    "accept": "通过 / accept", "edit": "修改 / edit", "reject": "退回 / reject", "flag": "存疑 / flag",
    "harmless": "无害 / harmless", "honest": "诚实 / honest", "helpful": "有用 / helpful",
    "answer": "修改后的回答 / The edited answer", "note": "备注 / Note",
}  # fmt: skip


def _question(name: str, kind: str, options: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    found = {"id": name, "label": _WORDS[name], "value": name, "type": kind, **more}
    chosen = [{"id": f"{name}-{one}", "label": _WORDS.get(one, one), "value": one} for one in options]
    return {**found, "options": chosen} if chosen else found


FORM: dict[str, Any] = {
    "conversation": {
        "questions": [
            _question("verdict", "enum", VERDICTS, required=True),
            *(_question(name, "enum", "12345", required=False) for name in HS),
            _question("answer", "string", required=False, max_length=20_000),
            _question("note", "string", required=False, max_length=2_000),
        ]
    },
    "message": {"questions": [], "is_sortable": False},
}
"""What an annotator of LabelLLM is asked (its `tool_config`)."""


def questionnaire(sample_id: str) -> str:
    """The id under which LabelLLM knows a sample."""
    return str(uuid5(NAMESPACE_URL, f"tilth:{sample_id}"))


def task(case: Case, cases: Cases) -> dict[str, Any]:
    """A line that LabelLLM imports, prefilled with what a judge said.

    Raises:
        FormatError: its shape cannot carry the sample.
    """
    sample = cases.sample(case)
    line = write(sample)
    said = {one.name: f"{one.verdict} {one.reason}".strip() for one in judgements(sample.signals)}
    ours = {"sample_id": case.id, "content_hash": cases.content(case), "place": case.place, "step": case.step}
    return {
        "questionnaire_id": questionnaire(case.id),
        "prompt": line["prompt"],
        "conversation_id": str(uuid5(NAMESPACE_URL, f"tilth:{case.id}:conversation")),
        "conversation": line["conversation"],
        "reference_evaluation": {"conversation_evaluation": said} if said else None,
        "custom": {**line.get("custom", {}), "tilth": ours},
    }


def answered(event: Event, case: Case, cases: Cases) -> dict[str, Any]:
    """A decision as a line of LabelLLM's data export.

    Raises:
        FormatError: its shape cannot carry the sample.
    """
    line = task(case, cases)
    scores = {name: str(n) for name, n in (event.get("scores") or {}).items()}
    answer = _answer(event["messages"]) if event["verdict"] == "edit" else ""
    said = {"verdict": event["verdict"], **scores, "answer": answer, "note": event.get("note") or ""}
    kept = ("event_id", "person", "messages", "ms", "time", "blind", "adjudicates")
    line["custom"]["tilth"] |= {name: event[name] for name in kept if name in event}
    line["custom"]["tilth"] |= {"content_hash": event.get("content_hash", ""), "step": event.get("step", "")}
    one = str(uuid5(NAMESPACE_URL, f"tilth:{event['event_id']}"))
    return {
        "questionnaire_id": line.pop("questionnaire_id"),
        "data_id": one,
        "source_data_id": None,
        "result_id": one,
        "status": "completed",
        **line,
        "evaluation": {
            "message_evaluation": None,
            "conversation_evaluation": {name: value for name, value in said.items() if value},
            "questionnaire_evaluation": {"is_invalid_questionnaire": False},
            "data_evaluation": None,
        },
    }


def _answer(messages: Iterable[Mapping[str, Any]]) -> str:
    texts = [message["content"] for message in messages if message["role"] == "assistant"]
    return texts[-1] if texts else ""


def decided(line: Mapping[str, Any], cases: Cases, known: Mapping[str, Case]) -> Event | None:
    """A line of LabelLLM's data or record export as a decision; nothing where nobody answered.

    Args:
        line: the line.
        cases: where the texts are.
        known: questionnaire id → case.

    Raises:
        FormatError: the line is about no sample of this run, or its answers are none of the form's.
    """
    case = known.get(str(line.get("questionnaire_id")))
    if case is None:
        raise FormatError(f"questionnaire {line.get('questionnaire_id')} is no sample of this run.")
    evaluation = line.get("evaluation") or {}
    said = evaluation.get("conversation_evaluation") or {}
    invalid = (evaluation.get("questionnaire_evaluation") or {}).get("is_invalid_questionnaire") is True
    if line.get("status") not in ("completed", "discarded", None) or not (said or invalid):
        return None
    custom = (line.get("custom") or {}).get("tilth") or {}
    verdict = said.get("verdict") or ("edit" if said.get("answer") else "flag" if invalid else None)
    event = {
        "event_id": custom.get("event_id") or uuid5(NAMESPACE_URL, _who_and_when(line)).hex,
        "sample_id": case.id,
        "content_hash": custom.get("content_hash", cases.content(case)),
        "person": custom.get("person") or line.get("creator_id") or "LabelLLM",
        "verdict": verdict,
        "messages": custom.get("messages") or _edited(cases.sample(case), said.get("answer")),
        "scores": {name: _score(name, said[name]) for name in HS if said.get(name)},
        "note": said.get("note") or "",
        "ms": custom.get("ms", _spent(line)),
        "time": custom.get("time") or _when(line),
        "step": custom.get("step", case.step),
        **{name: True for name in ("blind", "adjudicates") if custom.get(name)},
    }
    return decision(event)


def _who_and_when(line: Mapping[str, Any]) -> str:
    return "tilth:labelllm:" + ":".join(
        str(line.get(name)) for name in ("data_id", "creator_id", "submit_time")
    )


def _edited(sample: Sample, answer: Any) -> list[dict[str, Any]] | None:
    """The conversation with its last answer replaced."""
    if not isinstance(answer, str) or not answer:
        return None
    turns = list(sample.messages)
    last = max((n for n, message in enumerate(turns) if message.role == "assistant"), default=None)
    if last is None:
        turns.append(Message("assistant", answer))
    else:
        turns[last] = turns[last].replace(content=answer)
    found: list[dict[str, Any]] = msgspec.to_builtins(turns)
    return found


def _score(name: str, value: Any) -> int:
    if str(value) not in ("1", "2", "3", "4", "5"):
        raise FormatError(f"`{name}` is {value!r}, expected 1 to 5.")
    return int(value)


def _spent(line: Mapping[str, Any]) -> int | None:
    begun, ended = line.get("create_time"), line.get("submit_time")
    return 1000 * max(0, ended - begun) if isinstance(begun, int) and isinstance(ended, int) else None


def _when(line: Mapping[str, Any]) -> str | None:
    """Times of a record are seconds since 1970."""
    ended = line.get("submit_time")
    return datetime.fromtimestamp(ended, UTC).isoformat() if isinstance(ended, int) else None
