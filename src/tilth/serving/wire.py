"""The shapes of OpenAI's chat API: what a request may say, and what answers, pieces and errors look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from tilth.models.base import Generation, Reply, State
from tilth.sample import Message, Role

FINISH: Mapping[State, str] = {"done": "stop", "truncated": "length", "refused": "content_filter"}
"""A reply's state → OpenAI's `finish_reason`."""

UNSUPPORTED: Mapping[str, tuple[Any, ...]] = {
    "n": (None, 1),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "tools": (None, []),
    "functions": (None, []),
    "response_format": (None, {"type": "text"}),
}
"""Settings that would change the answer and that we cannot honour, with the values that ask for nothing."""


class Part(BaseModel):
    """A piece of a message's content; only text is understood."""

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One message of a request."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Turn:
        if self.content is None and self.role != "assistant":
            raise ValueError(f"a {self.role} message needs content")
        return self

    @property
    def message(self) -> Message:
        """The turn as Tilth writes it."""
        role: Role = "system" if self.role == "developer" else self.role
        parts = self.content or ""
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return Message(role, text, name=self.name, tool_call_id=self.tool_call_id)


class StreamOptions(BaseModel):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    model: str
    messages: Annotated[list[Turn], Field(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[
        int | None, Field(ge=1, validation_alias=AliasChoices("max_completion_tokens", "max_tokens"))
    ] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None

    @field_validator("stop")
    @classmethod
    def _stops_somewhere(cls, value: str | list[str] | None) -> str | list[str] | None:
        if value == "" or (isinstance(value, list) and "" in value):
            raise ValueError("a stop text may not be empty")
        return value

    @model_validator(mode="after")
    def _can_be_honoured(self) -> ChatRequest:
        for name, neutral in UNSUPPORTED.items():
            if (self.model_extra or {}).get(name) not in neutral:
                raise ValueError(f"this server does not support `{name}`")
        return self

    def generation(self, default: Generation) -> Generation:
        """The settings of this request; what it leaves out comes from the server."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Generation(
            max_new_tokens=self.max_tokens or default.max_new_tokens,
            temperature=default.temperature if self.temperature is None else self.temperature,
            top_p=self.top_p or default.top_p,
            stop=stop or default.stop,
            seed=default.seed if self.seed is None else self.seed,
        )

    @property
    def conversation(self) -> list[Message]:
        """The messages as Tilth writes them."""
        return [turn.message for turn in self.messages]

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with token counts."""
        return self.stream_options is not None and self.stream_options.include_usage


def usage(reply: Reply) -> dict[str, int]:
    """Token counts."""
    total = reply.prompt_tokens + reply.completion_tokens
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": total,
    }


def completion(head: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    """A whole answer; `head` has its id, creation time and model."""
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[reply.state]}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage(reply)}


def chunk(head: Mapping[str, Any], delta: Mapping[str, str], finish: str | None = None) -> dict[str, Any]:
    """A piece of a streamed answer."""
    choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def usage_chunk(head: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    """The piece after the answer that carries the token counts."""
    return {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage(reply)}


def error_body(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def model_card(name: str, created: int) -> dict[str, Any]:
    """One entry of the list of models."""
    return {"id": name, "object": "model", "created": created, "owned_by": "tilth"}
