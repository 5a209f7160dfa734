"""The one judge of Tilth (`operators.judging`) as a comparison needs it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from tilth.errors import TilthError
from tilth.evaluation.judge import Case, Pick
from tilth.evaluation.protocol import Question
from tilth.evaluation.three_h import Said
from tilth.models.base import AsyncChatModel, Reply
from tilth.operators.judging import DIMENSIONS, judge_3h, judge_pair
from tilth.operators.prompts import digest, transcript

PROMPTS = ("pair", "pair_reference", "judge_3h")


@dataclass(frozen=True)
class Referee:
    """A model that judges."""

    model: AsyncChatModel

    @property
    def identity(self) -> str:
        """The model's, with a digest of the prompts: another prompt is another judge."""
        return f"{self.model.identity}+{'+'.join(digest(name)[:6] for name in PROMPTS)}"

    async def pick(self, case: Case) -> Pick:
        """Which answer of a case is better."""
        question = case.pair.question
        reply = await self._try(
            judge_pair(
                self.model, _asked(question), case.first, case.second, reference=question.expected.strip()
            )
        )
        return (
            Pick(reply.data.winner, reply.data.reason)
            if reply.state == "done"
            else Pick("error", _why(reply))
        )

    async def look(self, said: Said) -> tuple[dict[str, bool], str]:
        """Which of the three H an answer passes."""
        reply = await self._try(judge_3h(self.model, _asked(said.pair.question), said.text))
        if reply.state != "done":
            return {}, _why(reply)
        judged = {name: getattr(reply.data, name) for name in DIMENSIONS}
        passed = {name: found.verdict == "pass" for name, found in judged.items()}
        return passed, "; ".join(found.reason for name, found in judged.items() if not passed[name])

    @staticmethod
    async def _try(asked: Awaitable[Reply]) -> Reply:
        try:
            return await asked
        except TilthError as error:
            return Reply("", "failed", str(error))


def _asked(question: Question) -> str:
    """The conversation up to the answer, as a judge reads it."""
    return transcript(question.sample)


def _why(reply: Reply) -> str:
    return f"{reply.state}: {reply.reason}" if reply.reason else reply.state
